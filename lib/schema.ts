/** What a dictionary of this schema can be asked for: each property may be absent. */
export type Properties<Schema> = { [Key in keyof Schema]?: Schema[Key] | undefined }

/** The keys of a schema. A number stands for the string that `cache[42]` would make of it. */
export type KeyOf<Schema> = string extends keyof Schema
  ? string | number
  : keyof Schema & (string | number)

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
