import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { heapSize, measure } from '../../lib/size/heap-size.ts'

/** A text of eight characters, which takes 24 bytes. */
const text = () => 'abcdefgh'
const keyed = (count: number, name = (at: number) => `key${at}`) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [name(at), at]))

// The figures of docs/bytes.md, which `size-accuracy` compares with the engine.
describe('heapSize in bytes, as in docs/bytes.md:', () => {
  it.each<[string, unknown, number]>([
    ['an object without properties', {}, 24 + 4 * 8],
    ['of one property', { a: 1 }, 24 + 8],
    ['of four', { a: 1, b: 2, c: 3, d: 4 }, 24 + 4 * 8],
    ['of five', { a: 1, b: 2, c: 3, d: 4, e: 5 }, 24 + 5 * 8 + 4],
    ['of texts', { a: text(), b: text() }, 24 + 2 * 8 + 2 * 24],
    ['of an object', { a: { b: text() } }, 2 * (24 + 8) + 24],
    ['of a text that ends a chunk', { a: 'x'.repeat(600_000), b: text() }, 600_080],
    ['of a key that begins with a digit', { '1abc': 1 }, 24 + 8],
    ['of a key with a leading zero', { '01': 1 }, 24 + 8],
    ['of 127 keys', keyed(127), 24 + 127 * 8 + 4],
    ['of 128 keys', keyed(128), 24 + 16 + (6 + 3 * 256) * 8 + 128 * 24],
    [
      'without a prototype, of 2 keys',
      runInNewContext('Object.assign(Object.create(null), { a: 1, b: 2 })'),
      24 + 16 + (6 + 3 * 4) * 8,
    ],
    [
      'without a prototype, of 6',
      Object.assign(Object.create(null), keyed(6)),
      24 + 16 + (6 + 3 * 16) * 8,
    ],
    ['of the keys 0 to 2', { 0: 1, 1: 2, 2: 3 }, 24 + 4 * 8 + 16 + 3 * 8],
    ['of the key 10', { 10: 1 }, 24 + 4 * 8 + 16 + 11 * 8],
    [
      'of the key 51, where a hash table takes a third of the room',
      { 51: 1 },
      24 + 4 * 8 + 16 + (4 + 3 * 4) * 8,
    ],
    ['of the key 50', { 50: 1 }, 24 + 4 * 8 + 16 + 51 * 8],
    ['of a number and a name', { 0: 1, a: text() }, 24 + 8 + 16 + 8 + 24],
    ['an empty array', [], 32],
    ['an array of integers', [1, 2, 3], 48 + 3 * 8],
    ['of 16', Array(16).fill(1), 48 + 16 * 8],
    ['of 32', Array(32).fill(1), 48 + 34 * 8],
    ['of doubles', [1.5, 2.5], 48 + 2 * 8],
    ['of doubles after a hole', Object.assign([], { 1: 1.5 }), 48 + 2 * 8],
    ['of a double after undefined', [undefined, 1.5], 48 + 2 * 8 + 16],
    ['of doubles among texts', [1.5, text(), text(), 2.5], 48 + 4 * 8 + 2 * 16 + 2 * 24],
    ['of objects', [{ a: 1 }, { a: 2 }], 48 + 2 * 8 + 2 * 32],
    [
      'that is sparse',
      Object.assign([], { 9000: text(), 19000: text() }),
      48 + (4 + 3 * 4) * 8 + 2 * 24,
    ],
    [
      'a Map',
      new Map([
        [1, text()],
        [2, text()],
        [3, text()],
      ]),
      72 + 4 * 28 + 3 * 24,
    ],
    ['of five', new Map([1, 2, 3, 4, 5].map((at) => [at, at])), 72 + 8 * 28],
    [
      'a Set',
      new Set(Array.from({ length: 20 }, (_, at) => `text-${at + 100}`)),
      72 + 32 * 20 + 20 * 24,
    ],
    ['an empty Set', new Set(), 72 + 4 * 20],
    ['a Date', new Date(0), 96],
    ['an ArrayBuffer', new ArrayBuffer(100), 88 + 100],
    ['a typed array', new Uint8Array(100), 104 + 88 + 100],
    ['a DataView', new DataView(new ArrayBuffer(100)), 104 + 88 + 100],
    ['a symbol', Symbol('s'), 32],
    ['with a description', Symbol(text()), 32 + 24],
    ['without any', Symbol(), 32],
    ['a function', () => {}, 128],
    ['a RegExp', /a/, 512 + 8],
    ['of a long source', /abcdefgh/, 512 + 8 + 24],
    ['a Promise', Promise.resolve(), 96],
    ['a WeakMap', new WeakMap(), 150],
    ['a WeakRef', new WeakRef({}), 48],
    [
      'an instance',
      new (class {
        a = 1
        b = text()
      })(),
      24 + 2 * 8 + 24,
    ],
    [
      'of 128 keys',
      Object.assign(new (class {})(), keyed(128)),
      24 + 16 + (6 + 3 * 256) * 8 + 128 * 24,
    ],
    [
      'with a property that is not enumerable',
      Object.defineProperty(new (class {})(), 'a', { value: text() }),
      24 + 8 + 24,
    ],
    [
      'with an accessor',
      Object.defineProperty(new (class {})(), 'a', { get: () => expect.unreachable() }),
      24 + 8,
    ],
    ['with a symbol', Object.assign(new (class {})(), { [Symbol('s')]: text() }), 24 + 8 + 24],
  ])('%s', (_name, value, bytes) => {
    expect(heapSize(value)).toBe(bytes)
  })

  it('an Error counts its message, but not its stack', () => {
    const error = new Error('a message of 24 bytes at.')
    expect(heapSize(error)).toBe(640 + 2 * 8 + 16 + 32)
  })

  it.each(['valueOf', 'constructor'])(
    'an instance of a class named %s is charged as of any class',
    (name) => {
      const classes = { [name]: class {} as new () => object }
      expect(heapSize(new (classes[name] as new () => object)())).toBe(24)
    },
  )
})

describe('an object whose keys are data is also charged', () => {
  const novel = (name: string, rest: object = {}) => ({ [name]: 1, ...rest })
  // More than 128 different keys in one place are data.
  const others = (prefix: string, at: object = {}) => {
    for (let i = 0; i < 200; i++) heapSize({ ...at, ...novel(`${prefix}${i + 100}`) })
  }

  it('152 bytes, 40 a key, and each key', () => {
    others('a-')
    expect(heapSize(novel('a-novel'))).toBe(24 + 8 + 152 + 40 + 24)
    expect(heapSize(novel('b-novel', { other: 2 }))).toBe(24 + 2 * 8 + 152 + 2 * 40 + 18 + 2 * 24)
  })

  it('only the keys from the first key on that is data', () => {
    heapSize({ known: 1 })
    others('c-', { known: 1 })
    expect(heapSize({ known: 1, 'c-novel': 2 })).toBe(24 + 2 * 8 + 152 + 2 * 40 + 24)
  })

  it('no text for a key that is a symbol', () => {
    class Row {}
    for (let i = 0; i < 200; i++) heapSize(Object.assign(new Row(), novel(`d-${i + 100}`)))
    const row = Object.assign(new Row(), novel('d-novel'), { [Symbol('s')]: 1 })
    expect(heapSize(row)).toBe(24 + 2 * 8 + 152 + 2 * 40 + 18 + 24)
  })

  it('the text of a key that is too long to be remembered', () => {
    others('e-')
    const long = 'k'.repeat(65)
    expect(heapSize({ [long]: 1 })).toBe(24 + 8 + 152 + 40 + 16 + 72)
    expect(heapSize({ [long]: 1 })).toBe(24 + 8 + 152 + 40 + 16 + 72)
  })
})

describe('the objects measured before decide which keys are data:', () => {
  const PLAIN = 24 + 8
  const NOVEL = PLAIN + 152 + 40 + 24
  const fresh = async () => {
    vi.resetModules()
    const { heapSize } = await import('../../lib/size/heap-size.ts')
    return (key: string) => heapSize({ [key]: 1 })
  }

  it('the 129th different key in one place is the first key that is data', async () => {
    const sizeOf = await fresh()
    const sizes = Array.from({ length: 140 }, (_, at) => sizeOf(`k-${at + 100}`))
    expect(sizes.slice(0, 128)).toEqual(Array(128).fill(PLAIN))
    expect(sizes.slice(128)).toEqual(Array(12).fill(NOVEL))
  })

  it('a key that 33 objects had, more than its siblings, is part of a shape; measuring an object again does not count', async () => {
    const sizeOf = await fresh()
    for (let at = 0; at < 200; at++) sizeOf(`k-${at + 100}`)
    const { heapSize } = await import('../../lib/size/heap-size.ts')
    const same = { 'same-1': 1 }
    for (let time = 0; time < 100; time++) expect(heapSize(same)).toBe(NOVEL)
    const sizes = Array.from({ length: 40 }, () => sizeOf('often'))
    expect(sizes.indexOf(PLAIN)).toBe(33)
    expect(sizes.lastIndexOf(NOVEL)).toBe(32)
  })

  it('an integer under a key that is data takes no box, even after a fraction', async () => {
    const sizeOf = await fresh()
    const { heapSize } = await import('../../lib/size/heap-size.ts')
    for (let at = 0; at < 200; at++) sizeOf(`k-${at + 100}`)
    expect(heapSize({ 'frac-1': 1.5 })).toBe(NOVEL + 16)
    expect(sizeOf('whole-1')).toBe(NOVEL)
  })

  it('a key that returns as often as all others stays data', async () => {
    const sizeOf = await fresh()
    const sizes: number[] = []
    for (let time = 0; time < 60; time++) {
      for (let at = 0; at < 400; at++) sizes[at] = sizeOf(`k-${at + 100}`)
    }
    expect(sizes.filter((size) => size === NOVEL).length).toBe(400 - 128)
  })

  it('once the memory is half full, a key becomes known with its third object', async () => {
    const sizeOf = await fresh()
    const { heapSize } = await import('../../lib/size/heap-size.ts')
    for (let root = 0; root < 17; root++) {
      for (let at = 0; at <= 128; at++) heapSize({ [`root-${root}`]: 1, [`k-${at}`]: 2 })
    }
    expect([sizeOf('late-1'), sizeOf('late-1'), sizeOf('late-1')]).toEqual([NOVEL, NOVEL, PLAIN])
  })
})

describe('a Set of few elements', () => {
  it.each([
    ['11.3.244.8', 72 + 4 * 20],
    ['12.4.254.21', 72 + 8 * 20],
    ['13.6.233.10', 72 + 8 * 20],
  ])('has the room that V8 %s gives it', async (v8, bytes) => {
    vi.resetModules()
    vi.stubGlobal('process', { versions: { v8 } })
    try {
      const { heapSize } = await import('../../lib/size/heap-size.ts')
      expect(heapSize(new Set([1, 2]))).toBe(bytes)
      expect(heapSize(new Set())).toBe(72 + 4 * 20)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it.each([
    ['no process', undefined],
    ['a process without versions', {}],
  ])('has the room of recent versions if there is %s', async (_name, process) => {
    vi.resetModules()
    vi.stubGlobal('process', process)
    try {
      const { heapSize } = await import('../../lib/size/heap-size.ts')
      expect(heapSize(new Set([1, 2]))).toBe(72 + 8 * 20)
      expect(heapSize(new Map([[1, 2]]))).toBe(72 + 4 * 28)
    } finally {
      vi.unstubAllGlobals()
    }
  })
})

describe('measuring', () => {
  it('continues at exactly the limit, since the rest may exceed it', () => {
    const value = [{ a: text() }]
    expect(measure(value, 48 + 8)).toBeGreaterThan(48 + 8)
  })

  it('charges a Proxy in a large structure an estimate, and continues after it', () => {
    const rows = (middle: object) => [
      ...Array.from({ length: 5_000 }, () => ({})),
      middle,
      ...Array.from({ length: 100 }, () => ({})),
    ]
    expect(heapSize(rows(new Proxy({}, {}))) - heapSize(rows({}))).toBe(64 - (24 + 4 * 8))
  })
})
