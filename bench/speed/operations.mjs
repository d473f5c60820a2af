/** A seeded generator, so that each run and each subject is asked for the same keys. */
export function randomFrom(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export const inOrder = (count) => Uint32Array.from({ length: count }, (_, i) => i)

const shuffled = (count) => {
  const random = randomFrom(count)
  const order = inOrder(count)
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1))
    const kept = order[i]
    order[i] = order[other]
    order[other] = kept
  }
  return order
}

const skewed = (count) => {
  const random = randomFrom(count)
  return Uint32Array.from({ length: Math.max(count, 10_000) }, () =>
    Math.floor(count ** random() - 1),
  )
}

const anyOf =
  (...kinds) =>
  (subject) =>
    kinds.every((kind) => subject[kind] !== undefined)
const withLimit = (subject) =>
  subject.set?.includes('[key]') || subject.set?.includes('(key') ? !subject.isUnlimited : false

/** `body` is the loop's text, with the subject's own writing of each operation put in. */
export const operations = {
  hit: { body: (s) => `out = ${s.get}`, order: shuffled, takes: anyOf('get') },
  miss: {
    body: (s) => `out = ${s.get}`,
    order: (count) => shuffled(count).map((i) => i + count),
    takes: (s) => s.get?.includes('key') === true && s.get !== 'cache.name',
  },
  overwrite: { body: (s) => s.set, order: shuffled, takes: anyOf('set') },
  insert: { body: (s) => s.set, order: inOrder, isFresh: true, takes: anyOf('each', 'set') },
  'insert at the item limit': {
    body: (s) => s.set,
    order: (count) => inOrder(2 * count),
    limit: 'items',
    takes: withLimit,
  },
  'insert at the byte limit': {
    body: (s) => s.set,
    order: (count) => inOrder(2 * count),
    limit: 'bytes',
    takes: (s) => s.bytesOf !== undefined || s.settings.includes('maxSize; a size'),
  },
  '90 % reads, skewed': {
    body: (s) => `if (i % 10 === 0) { ${s.set} } else out = ${s.get}`,
    order: skewed,
    takes: (s) => s.get?.includes('key') === true,
  },
  'a JSON row': {
    body: (s) => s.set,
    order: shuffled,
    isWeighed: true,
    takes: (s) => s.bytesOf !== undefined || /object-sizeof|maxBytes/.test(s.settings),
  },
  'enumerate, per entry': { body: (s) => s.each, isWhole: true, takes: anyOf('each') },
  'delete and write again': {
    body: (s) => `${s.delete}; ${s.set}`,
    order: shuffled,
    takes: anyOf('delete'),
  },
}
