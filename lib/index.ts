export type { LoadTtl } from './cache.ts'
export { CacheController } from './controller.ts'
export { controllerOf, FaaSCacheDict, type FaaSCacheDictConstructor } from './dictionary.ts'
export { DataTooLargeError, KeyError } from './errors.ts'
export type { ByteSize } from './options/byte-size.ts'
export type { Duration } from './options/duration.ts'
export type { Limits } from './options/limits.ts'
export type { CacheOptions, OnDelete, OnError, Reason, SizeOf } from './options/options.ts'
export type { WriteOptions } from './options/write-options.ts'
export type {
  EntriesOf,
  EntryOf,
  KeyOf,
  Loaded,
  StringKeyOf,
  ValueAt,
  ValueOf,
} from './schema.ts'
export { heapSize } from './size/heap-size.ts'
export type { Snapshot, SnapshotEntry } from './snapshot.ts'
export type { Stats } from './statistics.ts'
