export { controllerOf, FaaSCacheDict, type FaaSCacheDictConstructor } from './cache-dict.ts'
export { CacheController } from './controller.ts'
export { DataTooLargeError, KeyError } from './errors.ts'
export type { LoadTtl } from './loads.ts'
export type { CacheOptions, OnDelete, OnError, Reason, SizeOf } from './options/options.ts'
export type { Limits, WriteOptions } from './options/terms.ts'
export type { ByteSize, Duration } from './options/units.ts'
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
