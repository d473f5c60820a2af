/** The keys that the schema declares. */
export type NameOf<Schema> = keyof Schema & (string | number)

/** Numbers and bigints that the schema does not declare, and that stand for a string which it does. */
export type NumericKeyOf<Schema> = string extends keyof Schema
  ? number | bigint
  : number extends keyof Schema
    ? bigint
    : never

/** The keys that a controller accepts. A number or a bigint becomes the string that `cache[42]` uses. */
export type KeyOf<Schema> = NameOf<Schema> | NumericKeyOf<Schema>

/** The keys that a cache returns: always strings. */
export type StringKeyOf<Schema> = string extends keyof Schema ? string : `${NameOf<Schema>}`

/** The string that a key stands for; any string if the schema has an index signature. */
export type StringOf<Schema, Key extends NameOf<Schema>> = string extends keyof Schema
  ? string
  : `${Key}`

/** The type of any value in the cache. */
export type ValueOf<Schema> = Schema[keyof Schema]

/** An entry that a cache returns: its key and its value. */
export type EntryOf<Schema> = [StringKeyOf<Schema>, ValueOf<Schema>]

/** Entries to write: an object or an iterable of pairs. */
export type EntriesOf<Schema> =
  | Partial<Schema>
  | Iterable<readonly [KeyOf<Schema>, ValueOf<Schema>]>

/**
 * What is left of a declared type once its promises have fulfilled. Unlike `Awaited<Declared>`, it can be
 * assigned to `Declared` where that is a type parameter: the compiler then infers `unknown` for the value
 * of the promise, and takes no account of a branch that is `any`.
 */
export type Settled<Declared> =
  Declared extends PromiseLike<infer Value>
    ? unknown extends Value
      ? // biome-ignore lint/suspicious/noExplicitAny: see above
        any
      : Value
    : Declared

/** A value, or a promise of it. With `Promise` as well, error messages compare values and not `then`. */
export type Eventual<Value> = Value | Promise<Value> | PromiseLike<Value>

/** What a factory may return for a value of the declared type. */
export type Loadable<Declared> = Eventual<Declared | Settled<Declared>>

/**
 * What the compiler expects of a factory until it knows what the factory returns. Each member of the union
 * has `then`, because only so the compiler keeps the literal that an async function returns.
 */
export type ValueOrPromise<Value> = (Value & { then: never }) | PromiseLike<Value>

/**
 * The type that `getOrSet` resolves to: the declared type of the value, since the live value may be
 * any of it, or what the factory returns if the schema declares `unknown`.
 */
export type Loaded<Declared, Given> = unknown extends Declared ? Settled<Given> : Settled<Declared>

/** The values that `loadMany` may return, for some of the keys: by key, or an array in their order. */
export type LoadableMany<Key extends string, Value> =
  | { readonly [Name in Key]?: Value | PromiseLike<Value> }
  | Iterable<readonly [GivenKey<Key>, Value | PromiseLike<Value>]>
  | readonly (Value | PromiseLike<Value> | undefined)[]

/** Origins give numbers for keys that are texts here. */
type GivenKey<Key extends string> = Key | (`${number}` extends Key ? number | bigint : never)

/** The type of the values that `getOrSetMany` resolves to, as `Loaded`. */
export type LoadedOfMany<Declared, Given> = unknown extends Declared
  ? ValueAmong<Settled<Given>>
  : Settled<Declared>

type ValueAmong<Given> = Given extends readonly (infer Value)[]
  ? Exclude<Settled<Value>, undefined>
  : Given extends Iterable<readonly [unknown, infer Value]>
    ? Settled<Value>
    : Settled<Given[keyof Given]>

/**
 * The schema itself. The compiler does not infer it from the properties of an object, only from the name
 * `FaaSCacheDict` of its type: plain objects and copies have no schema.
 */
export type Named<Schema> = [Schema] extends [unknown] ? Schema : never

/** For error messages: no object has this type. */
export interface TypedDictionary {
  readonly 'of type FaaSCacheDict': never
}
