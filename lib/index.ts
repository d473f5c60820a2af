export { CacheController, type LoadTrace } from './controller.ts'
export { controllerOf, FaaSCacheDict, type FaaSCacheDictConstructor } from './dictionary.ts'
export { DataTooLargeError, KeyError, TimeoutError } from './errors.ts'
export type {
  LoadContext,
  LoadOptions,
  LoadSignal,
  LoadTtl,
  WaitUntil,
} from './options/load-terms.ts'
export type { CacheOptions, OnDelete, OnError, Reason, SizeOf } from './options/options.ts'
export type { Limits, WriteOptions } from './options/terms.ts'
export type { ByteSize, Duration } from './options/units.ts'
export type {
  EntriesOf,
  EntryOf,
  Eventual,
  KeyOf,
  Loadable,
  LoadableMany,
  Loaded,
  LoadedOfMany,
  Named,
  NameOf,
  NumericKeyOf,
  Settled,
  StringKeyOf,
  StringOf,
  TypedDictionary,
  ValueOf,
  ValueOrPromise,
} from './schema.ts'
export { heapSize } from './size/heap-size.ts'
export type { Snapshot, SnapshotEntry } from './snapshot.ts'
export type { Stats } from './statistics.ts'
