import type { CacheController } from '../controller.ts'

const FEWEST = 64

interface Nested {
  names: Set<string>
  /** At this many names, those without an entry are forgotten. */
  most: number
}

/** By dictionary, the namespaces in use that contain a colon: they may lie within another one. */
const nested = /* @__PURE__ */ new WeakMap<CacheController, Nested>()

export function rememberNamespace(controller: CacheController, namespace: string): void {
  if (!namespace.includes(':')) return
  let known = nested.get(controller)
  if (known === undefined) {
    known = { names: new Set(), most: FEWEST }
    nested.set(controller, known)
  }
  if (known.names.has(namespace)) return
  if (known.names.size >= known.most) forgetEmpty(controller, known)
  known.names.add(namespace)
}

/** Entries with this prefix, except those of a longer namespace in use. */
export function* entriesIn(
  controller: CacheController,
  prefix: string,
): IterableIterator<[string, unknown]> {
  const names = nested.get(controller)?.names
  for (const entry of controller) {
    const [key] = entry
    if (!key.startsWith(prefix)) continue
    if (names === undefined || namesOf(key, names, prefix.length).next().done) yield entry
  }
}

function forgetEmpty(controller: CacheController, known: Nested): void {
  const used = new Set<string>()
  for (const key of controller.keys()) for (const name of namesOf(key, known.names)) used.add(name)
  known.names = used
  known.most = Math.max(FEWEST, 2 * used.size)
}

/** The namespaces that the key lies in, if their names have at least `from` characters. */
function* namesOf(key: string, names: Set<string>, from = 0): IterableIterator<string> {
  for (let end = key.indexOf(':', from); end !== -1; end = key.indexOf(':', end + 1)) {
    const name = key.slice(0, end)
    if (names.has(name)) yield name
  }
}
