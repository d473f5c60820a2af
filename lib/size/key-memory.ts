const GENERATION = 4096
const EVIDENCE = 128
/** Characters. A longer one is taken for data, and not kept. */
const LONGEST = 64

/**
 * Tells objects whose keys are data (ids, dates) from those that share a shape: a bounded memory
 * of last keys already met. Two generations forget the oldest; an object once found novel stays so
 * while its key is remembered, so that measuring it again gives the same.
 */
let young = new Set<string>()
let old = new Set<string>()
let youngOwners = new WeakSet<object>()
let oldOwners = new WeakSet<object>()

export function hasNovelKeys(holder: object, lastKey: string): boolean {
  if (lastKey.length > LONGEST) return true
  if (young.has(lastKey) || old.has(lastKey)) {
    if (young.size + old.size <= EVIDENCE) return false
    return youngOwners.has(holder) || oldOwners.has(holder)
  }
  if (young.size >= GENERATION) {
    old = young
    oldOwners = youngOwners
    young = new Set()
    youngOwners = new WeakSet()
  }
  young.add(lastKey)
  if (young.size + old.size <= EVIDENCE) return false
  youngOwners.add(holder)
  return true
}
