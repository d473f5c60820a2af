/** The whole contract of order, time and removal, with arrays and no cleverness. */

interface ModelEntry {
  key: string
  value: unknown
  /** Epoch milliseconds. */
  deadline: number
}

export type ModelReason = 'deleted' | 'evicted' | 'expired' | 'replaced' | 'cleared'

export class Model {
  /** The least recently used first. */
  entries: ModelEntry[] = []
  left: [string, unknown, ModelReason][] = []
  readonly counts = { hits: 0, misses: 0, writes: 0 }
  defaultTtl: number
  maxItems: number
  readonly #now: () => number

  constructor(now: () => number, defaultTtl: number, maxItems: number) {
    this.#now = now
    this.defaultTtl = defaultTtl
    this.maxItems = maxItems
  }

  isExpired(entry: ModelEntry): boolean {
    return entry.deadline <= this.#now()
  }

  /** Live or not. */
  stored(key: string): ModelEntry | undefined {
    return this.entries.find((entry) => entry.key === key)
  }

  live(key: string): ModelEntry | undefined {
    const entry = this.stored(key)
    return entry !== undefined && !this.isExpired(entry) ? entry : undefined
  }

  remove(entry: ModelEntry, reason: ModelReason): void {
    this.entries = this.entries.filter((other) => other !== entry)
    this.left.push([entry.key, entry.value, this.isExpired(entry) ? 'expired' : reason])
  }

  use(key: string): unknown {
    const entry = this.stored(key)
    if (entry === undefined || this.isExpired(entry)) {
      this.counts.misses++
      if (entry !== undefined) this.remove(entry, 'expired')
      return undefined
    }
    this.counts.hits++
    this.promote(entry)
    return entry.value
  }

  promote(entry: ModelEntry): void {
    this.entries = [...this.entries.filter((other) => other !== entry), entry]
  }

  demote(entry: ModelEntry): void {
    this.entries = [entry, ...this.entries.filter((other) => other !== entry)]
  }

  write(key: string, value: unknown, ttl = this.defaultTtl): void {
    const old = this.stored(key)
    if (old !== undefined) {
      if (this.isExpired(old)) this.remove(old, 'expired')
      else {
        this.entries = this.entries.filter((other) => other !== old)
        if (!Object.is(old.value, value)) this.left.push([key, old.value, 'replaced'])
      }
    }
    this.counts.writes++
    this.entries.push({ key, value, deadline: this.#now() + ttl })
    this.makeRoom()
  }

  makeRoom(): void {
    while (this.entries.length > this.maxItems) this.evict()
  }

  evict(): boolean {
    const victim = this.entries.find((entry) => this.isExpired(entry)) ?? this.entries[0]
    if (victim !== undefined) this.remove(victim, 'evicted')
    return victim !== undefined
  }

  purge(): number {
    const expired = this.entries.filter((entry) => this.isExpired(entry))
    for (const entry of expired) this.remove(entry, 'expired')
    return expired.length
  }

  delete(key: string): boolean {
    const wasLive = this.live(key) !== undefined
    const entry = this.stored(key)
    if (entry !== undefined) this.remove(entry, 'deleted')
    return wasLive
  }

  clear(): void {
    for (const entry of this.entries) this.remove(entry, 'cleared')
  }
}
