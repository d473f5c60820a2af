/** The keys that a controller accepts. A number or a bigint becomes the string that `cache[42]` uses. */
export type KeyOf<Schema> = string extends keyof Schema
  ? string | number | bigint
  : (keyof Schema & (string | number)) | (number extends keyof Schema ? bigint : never)

/** The type of the value under a key. */
export type ValueAt<Schema, Key> = Key extends keyof Schema ? Schema[Key] : ValueOf<Schema>

/** The keys that a cache returns: always strings. */
export type StringKeyOf<Schema> = string extends keyof Schema
  ? string
  : `${keyof Schema & (string | number)}`

/** The type of any value in the cache. */
export type ValueOf<Schema> = Schema[keyof Schema]

/** An entry that a cache returns: its key and its value. */
export type EntryOf<Schema> = [StringKeyOf<Schema>, ValueOf<Schema>]

/** Entries to write: an object or an iterable of pairs. */
export type EntriesOf<Schema> =
  | Partial<Schema>
  | Iterable<readonly [KeyOf<Schema>, ValueOf<Schema>]>

/**
 * The type that `getOrSet` resolves to: the declared type of the value, since the live value may be
 * any of it, or what the factory returns if the schema declares `unknown`.
 */
export type Loaded<Declared, Given> = unknown extends Declared ? Given : Awaited<Declared>
