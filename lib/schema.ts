/** The keys of a schema. A number or a bigint is the string that `cache[42]` makes of it. */
export type KeyOf<Schema> = string extends keyof Schema
  ? string | number | bigint
  : (keyof Schema & (string | number)) | (number extends keyof Schema ? bigint : never)

/** What a schema says of a key. */
export type ValueAt<Schema, Key> = Key extends keyof Schema ? Schema[Key] : ValueOf<Schema>

/** The keys of a schema as they come out again: strings. */
export type StringKeyOf<Schema> = string extends keyof Schema
  ? string
  : `${keyof Schema & (string | number)}`

/** Any value of a schema. */
export type ValueOf<Schema> = Schema[keyof Schema]

/** An entry of a schema as it comes out: a key with a value. */
export type EntryOf<Schema> = [StringKeyOf<Schema>, ValueOf<Schema>]

/** Entries to write: an object, or an iterable of pairs. */
export type EntriesOf<Schema> =
  | Partial<Schema>
  | Iterable<readonly [KeyOf<Schema>, ValueOf<Schema>]>

/**
 * What `getOrSet` gives: what the schema says of the key, since the live value may be any of that,
 * or what the factory gives where the schema says nothing.
 */
export type Loaded<Declared, Given> = unknown extends Declared ? Given : Awaited<Declared>
