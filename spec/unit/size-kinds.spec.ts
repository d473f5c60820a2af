import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { heapSize } from '../../lib/size/heap-size.ts'

const bytesOf = (value: unknown) => heapSize(value) - heapSize(null)

describe('buffers', () => {
  it('are charged whole and once, through any view', () => {
    const buffer = new ArrayBuffer(100_000)
    const views = [new Uint8Array(buffer, 8, 8), new Float64Array(buffer), new DataView(buffer, 16)]
    for (const view of views) expect(bytesOf(view)).toBeGreaterThan(100_000)
    expect(bytesOf(views)).toBeLessThan(101_000)
    expect(bytesOf([buffer, ...views])).toBe(bytesOf([...views, buffer]))
  })

  it('that are shared between threads are charged like others', () => {
    const shared = new SharedArrayBuffer(100_000)
    expect(bytesOf(shared)).toBe(bytesOf(new ArrayBuffer(100_000)))
    expect(bytesOf(new Int32Array(shared))).toBe(bytesOf(new Int32Array(25_000)))
  })

  it.runIf('Buffer' in globalThis)('of Node in its pool are charged their share', () => {
    const small = Buffer.from('a few bytes')
    expect(bytesOf(small)).toBeLessThan(200)
    const half = Buffer.from('x'.repeat(2_000))
    expect(bytesOf(half)).toBeGreaterThan(2_000)
    expect(bytesOf(half)).toBeLessThan(4_000)
    const large = Buffer.alloc(100_000)
    expect(bytesOf(large)).toBeGreaterThan(100_000)
    expect(bytesOf(Buffer.from(new ArrayBuffer(50_000), 0, 8))).toBeGreaterThan(50_000)
    expect(bytesOf(Buffer.from(''))).toBeLessThan(250)
  })

  it.runIf('Buffer' in globalThis)(
    'of Node in its pool are charged a share of its unused end',
    () => {
      const pool = Buffer.allocUnsafe(1).buffer.byteLength
      const places = (bytes: number) => Math.floor(pool / bytes)
      const share = (count: number) => 104 + Math.ceil(pool / count)
      const small = (bytes: number) => bytesOf(Buffer.from('x'.repeat(bytes)))
      // The pool loses the room of three short strings: Node reserves three bytes a character.
      expect(small(8)).toBe(share(places(8) - 3))
      expect(small(9)).toBe(share(places(16) - 3))
      expect(small(16)).toBe(share(places(16) - 3))
      expect(small(pool / 4)).toBe(share(4))
      expect(small(pool / 4 - 1)).toBe(share(4))
      expect(bytesOf(Buffer.from(new ArrayBuffer(pool)))).toBeGreaterThan(pool)
      expect(bytesOf(Buffer.from(new ArrayBuffer(pool), 0, pool / 2))).toBeGreaterThan(pool)
    },
  )

  it.runIf('Buffer' in globalThis)('of Node in shared memory are charged that memory', () => {
    const buffer = Buffer.from(new SharedArrayBuffer(50_000), 0, 8)
    expect(bytesOf(buffer)).toBe(bytesOf(Buffer.from(new ArrayBuffer(50_000), 0, 8)))
  })

  it('that were transferred to another thread are charged without their bytes', () => {
    const buffer = new ArrayBuffer(100_000)
    const view = new Uint8Array(buffer)
    structuredClone(buffer, { transfer: [buffer] })
    expect(bytesOf(view)).toBeLessThan(1_000)
    expect(bytesOf(buffer)).toBeLessThan(1_000)
  })
})

describe('strings', () => {
  it('of any length take one byte a character up to U+00FF, and two beyond', () => {
    for (const length of [2, 7, 5_000, 1_000_008]) {
      const bytes = (each: number) => 16 + Math.ceil((each * length) / 8) * 8
      expect(bytesOf('x'.repeat(length))).toBe(bytes(1))
      expect(bytesOf(`${'x'.repeat(length - 1)}ÿ`)).toBe(bytes(1))
      expect(bytesOf(`${'x'.repeat(length - 1)}…`)).toBe(bytes(2))
      expect(bytesOf(`…${'x'.repeat(length - 1)}`)).toBe(bytes(2))
    }
  })

  it('of one character are free up to U+00FF', () => {
    for (const free of ['', 'x', 'ÿ']) expect(bytesOf(free)).toBe(0)
    expect(bytesOf('Ā')).toBe(24)
  })

  it('that are keys are added to the value', () => {
    expect(heapSize(1, 'some-long-key')).toBe(heapSize('some-long-key'))
  })
})

describe('numbers', () => {
  it('that are 32-bit integers are free; others take a box', () => {
    for (const small of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) expect(bytesOf(small)).toBe(0)
    expect(bytesOf(new Map([[1, 0.5]]))).toBe(bytesOf(new Map([[1, 2]])) + 16)
    for (const boxed of [-0, 0.5, 2 ** 31, Number.NaN, Infinity]) expect(bytesOf(boxed)).toBe(16)
  })

  it('that are bigints take whole words', () => {
    expect(bytesOf(0n)).toBe(16)
    expect(bytesOf(1n)).toBe(24)
    expect(bytesOf(-(2n ** 63n))).toBe(24)
    expect(bytesOf(2n ** 64n - 1n)).toBe(24)
    expect(bytesOf(2n ** 64n)).toBe(32)
    expect(bytesOf(-(2n ** 64n - 1n))).toBe(24)
    expect(bytesOf(-(2n ** 64n))).toBe(32)
    expect(bytesOf([2n ** 64n])).toBe(bytesOf([1n]) + 8)
  })
})

describe('arrays', () => {
  it('have boxes for their numbers only if they hold other values too', () => {
    const numbers = Array.from({ length: 400 }, (_, i) => i + 0.5)
    expect(bytesOf(numbers)).toBe(bytesOf(numbers.map((_, i) => i)))
    expect(bytesOf([...numbers, 'text'])).toBeGreaterThan(bytesOf(numbers) + 400 * 16)
    const text = bytesOf(['text', ...numbers.map((_, i) => i)])
    expect(bytesOf(['text', ...numbers])).toBe(text + 400 * 16)
  })

  it('that are long and sparse are charged their elements', () => {
    const sparse: number[] = Array(256).fill(1)
    sparse[2 ** 32 - 2] = 1
    expect(bytesOf(sparse)).toBeLessThan(100_000)
    expect(bytesOf(new Array(2 ** 32 - 1))).toBeLessThan(1_000)
  })

  it('that are sparse are read without running a getter', () => {
    const sparse = Object.defineProperty([], 1_000_000, { get: () => expect.unreachable() })
    expect(bytesOf(sparse)).toBeLessThan(1_000)
  })

  it('that are the result of a regular-expression match count the searched text', () => {
    const text = `${'x'.repeat(10_000)}ab`
    const match = text.match(/a(?<letter>b)/) as RegExpMatchArray
    const listed = bytesOf([...match])
    expect(bytesOf(match)).toBe(listed + 3 * 8 + bytesOf(text) + bytesOf(match.groups))
    expect(bytesOf('x'.match(/x/))).toBeLessThan(bytesOf(['x']) + 100)
  })

  it.each([0, 3, 300])('of a class with %i elements count their other properties', (length) => {
    class Rows extends Array<number> {
      columns = 'x'.repeat(1_000)
    }
    const rows = Rows.from({ length }, (_, at) => at) as Rows
    expect(bytesOf(rows)).toBe(bytesOf([...rows]) + 8 + bytesOf(rows.columns))
    Object.defineProperty(rows, 'count', { get: () => expect.unreachable() })
    expect(bytesOf(rows)).toBe(bytesOf([...rows]) + 2 * 8 + bytesOf(rows.columns))
  })

  it('that are Proxies with a false length are charged their elements', () => {
    let asked = 0
    const liar = new Proxy([1, 2, 3], {
      get(target, name) {
        asked++
        return name === 'length' ? 2 ** 32 - 1 : Reflect.get(target, name)
      },
    })
    expect(bytesOf(liar)).toBeLessThan(1_000)
    expect(asked).toBeLessThan(100)
  })
})

describe('objects', () => {
  it('count symbols, functions and values under a symbol', () => {
    const bare = bytesOf(Object.assign(Object.create({}), { a: 1 }))
    const full = Object.assign(Object.create({}), { a: () => {}, [Symbol('s')]: 'some text' })
    expect(bytesOf(full)).toBeGreaterThan(bare + 100)
    expect(bytesOf({ a: Symbol('s') })).toBeGreaterThan(bytesOf({ a: null }))
    expect(bytesOf(() => {})).toBeGreaterThan(100)
  })

  it('count the properties of a function', () => {
    const kept = new Map([[1, 'x'.repeat(10_000)]])
    const bare = () => {}
    expect(bytesOf(Object.assign(() => {}, { kept }))).toBe(bytesOf(bare) + 8 + bytesOf(kept))
  })

  class Money {
    static zero = 'x'.repeat(10_000)
    amount = 1
    plus() {}
  }
  function Decimal(this: { digits: number[]; constructor: unknown }) {
    this.digits = [1, 2]
    this.constructor = Decimal
  }
  Decimal.cache = 'x'.repeat(10_000)
  Decimal.prototype.plus = () => {}
  const New = Decimal as unknown as new () => object

  it.each<[string, object]>([
    ['a class', Money],
    ['a class without methods', class {}],
    ['a function with methods for what it makes', Decimal],
    ['a class of the language', Object.assign(class extends Map {}, { kept: Money })],
  ])('count %s as a reference only', (_name, of) => {
    expect(bytesOf(of)).toBe(0)
    expect(bytesOf({ id: 1, of })).toBe(bytesOf({ id: 1, of: null }))
    expect(bytesOf(new Map([[1, of]]))).toBe(bytesOf(new Map([[1, null]])))
  })

  it('count a constructor function without methods as any function', () => {
    function Row() {}
    expect(bytesOf(Row)).toBe(128)
    Row.prototype = null
    Row.kept = 'x'.repeat(1000)
    expect(bytesOf(Row)).toBe(128 + 8 + bytesOf(Row.kept))
  })

  it('do not count a class under the key constructor', () => {
    expect(bytesOf(new New())).toBe(24 + 2 * 8 + bytesOf([1, 2]) + 15 * 8)
  })

  it.each<[string, object]>([
    ['a class', Money.prototype],
    ['a function', Decimal.prototype],
    ['a subclass', Object.assign(class extends Money {}.prototype, { kept: 'x'.repeat(10_000) })],
  ])('count the prototype of %s as a reference only', (_name, prototype) => {
    expect(bytesOf({ prototype })).toBeLessThanOrEqual(bytesOf({ prototype: {} }))
    expect(bytesOf(Object.create(prototype))).toBe(24)
  })

  it.each(['Response', 'URL', 'Promise', 'WeakMap'])(
    'of a class of the program named %s are charged as of any class',
    (name) => {
      const classes = { [name]: class {} as new () => object, Any: class {} as new () => object }
      expect(bytesOf(new (classes[name] as new () => object)())).toBe(bytesOf(new classes.Any()))
      expect(classes[name]?.name).toBe(name)
    },
  )

  it.each([
    ['a literal', () => ({})],
    ['an instance', () => new (class Row {})()],
    ['an object without a prototype', () => Object.create(null)],
  ] as [string, () => Record<string, unknown>][])(
    '%s of ten thousand keys is charged each key and value',
    (_name, make) => {
      const named = make()
      const indexed = make()
      for (let i = 0; i < 10_000; i++) {
        named[`key-${i}`] = `a value of ${i}`
        indexed[i] = `a value of ${i}`
      }
      const values = bytesOf(Object.values(named))
      expect(bytesOf(named)).toBeGreaterThan(values + 10_000 * 24)
      expect(bytesOf(named)).toBeLessThan(values + 10_000 * 96)
      expect(bytesOf(indexed)).toBeGreaterThan(values * 0.9)
      expect(bytesOf(indexed)).toBeLessThan(bytesOf(named))
    },
  )

  it('of two hundred keys, which the engine keeps in a dictionary, are charged each key', () => {
    const keys = Array.from({ length: 200 }, (_, i) => `key-${i}`)
    const value = Object.fromEntries(keys.map((key) => [key, 1]))
    expect(bytesOf(value)).toBeGreaterThan(200 * 24 + bytesOf(keys) - bytesOf(Array(200)))
    expect(bytesOf({ ...value })).toBe(bytesOf(value))
    const marked = Object.assign(Object.create({}), value, { [Symbol('mark')]: 1 })
    expect(Math.abs(bytesOf(marked) - bytesOf(value))).toBeLessThan(100)
  })

  it('with integer-like keys and others are charged both', () => {
    const both = Object.assign(Object.create(null), { 0: 'zero', 1: 'one', name: 'a name' })
    expect(bytesOf(both)).toBeGreaterThan(bytesOf(['zero', 'one', 'a name']))
    const literal = { 0: 'zero', 1: 'one', name: 'a name' }
    expect(bytesOf(literal)).toBeGreaterThan(bytesOf({ name: 'a name' }) + 2 * 24)
    const far = { 1000000: 1 }
    expect(bytesOf(far)).toBeLessThan(500)
  })

  it('with a getter that throws are charged their other properties', () => {
    const text = 'x'.repeat(1_000)
    const value = {
      get a() {
        throw new Error('no')
      },
      text,
    }
    expect(bytesOf(value)).toBeGreaterThan(1_000)
    expect(bytesOf(Object.setPrototypeOf(value, {}))).toBeGreaterThan(1_000)
  })

  it('of other realms are charged as their own class', () => {
    const foreign = (source: string) => bytesOf(runInNewContext(source))
    expect(foreign('new Map([[1, "a text of some length"]])')).toBe(
      bytesOf(new Map([[1, 'a text of some length']])),
    )
    expect(foreign('new Date(0)')).toBe(bytesOf(new Date(0)))
    expect(foreign('/abc/')).toBe(bytesOf(/abc/))
    expect(foreign('new Set([1, 2])')).toBe(bytesOf(new Set([1, 2])))
    expect(foreign('new ArrayBuffer(64)')).toBe(bytesOf(new ArrayBuffer(64)))
    expect(foreign('new SharedArrayBuffer(64)')).toBe(bytesOf(new ArrayBuffer(64)))
  })

  it('that only inherit from a built-in class are charged as objects', () => {
    for (const prototype of [Map, Set, Date, ArrayBuffer].map((type) => type.prototype)) {
      const pretender = Object.create(prototype)
      expect(bytesOf(pretender)).toBeLessThan(100)
    }
  })
})

describe('a value that a program assembled', () => {
  class Message {
    tags: unknown
    parts: unknown
    constructor(tags: unknown, parts: unknown) {
      this.tags = tags
      this.parts = parts
    }
  }
  const spare = (length: number) => (17 - length) * 8
  const tags = () => ['a tag', 'another']
  const message = (more: number) => bytesOf(new Message(tags(), Array(more).fill(1)))
  const exact = (more: number) => 24 + 2 * 8 + bytesOf(tags()) + bytesOf(Array(more).fill(1))

  it('is charged spare room for every short array except the first', () => {
    expect(message(0)).toBe(exact(0))
    for (const length of [1, 2, 16]) expect(message(length)).toBe(exact(length) + spare(length))
    for (const length of [17, 300]) expect(message(length)).toBe(exact(length))
  })

  it('is charged spare room for every short array after an instance of a constructor function', () => {
    function Row(this: { tags: string[] }) {
      this.tags = tags()
    }
    const MadeRow = Row as unknown as new () => object
    expect(bytesOf(new MadeRow())).toBe(24 + 8 + bytesOf(tags()) + spare(2))
    expect(bytesOf([[1], new MadeRow()])).toBe(bytesOf([[1], null]) + bytesOf(new MadeRow()))
  })

  it('is charged no spare room if it may have been parsed', () => {
    const row = { tags: tags(), parts: [tags(), tags()] }
    expect(bytesOf(row)).toBe(24 + 2 * 8 + 3 * bytesOf(tags()) + 48 + 2 * 8)
    expect(bytesOf(Object.assign(Object.create(null), row))).toBeLessThan(bytesOf(row) + 200)
  })

  it('is recognised by objects that refer back to each other', () => {
    interface Node {
      parent: Node | null
      children: Node[]
    }
    const tree = (count: number) => {
      const root: Node = { parent: null, children: [] }
      for (let at = 0; at < count; at++) {
        const child: Node = { parent: root, children: [] }
        child.children = [{ parent: child, children: [] }]
        root.children.push(child)
      }
      return root
    }
    const node = 24 + 2 * 8
    const ofTree = (count: number) =>
      (1 + 2 * count) * node + bytesOf(Array(count).fill(0)) + count * (2 * 32 + 24)
    expect(bytesOf(tree(4))).toBe(ofTree(4))
    expect(bytesOf(tree(30))).toBeGreaterThan(ofTree(30) + 20 * spare(1))
  })

  it.runIf('process' in globalThis && !('Bun' in globalThis))(
    'is charged for the Proxy of an array',
    () => {
      const value = (parts: unknown) => bytesOf(new Message([1], parts))
      expect(value(new Proxy([1, 2], {})) - value([1, 2])).toBe(400)
    },
  )
})

describe('a repeated value', () => {
  it('is charged once among many objects', () => {
    const rows = Array.from({ length: 500 }, (_, i) => [i])
    expect(bytesOf([...rows, ...rows])).toBe(
      bytesOf(rows) + bytesOf(Array(1_000).fill(null)) - bytesOf(Array(500).fill(null)),
    )
  })

  it('takes a slot at each place, even if it is a boolean or undefined', () => {
    expect(bytesOf([true, undefined, null])).toBe(bytesOf([1, 2, 3]))
    expect(bytesOf(new Set())).toBeGreaterThan(0)
    const five = new Set([true, false, undefined, null, 1])
    expect(bytesOf(five)).toBeGreaterThan(bytesOf(new Set()))
  })
})

describe('the memory of shapes', () => {
  it('remembers that a property held a fraction, and charges a box for every number in it', () => {
    const [before, fraction, after] = [{ price: 1 }, { price: 1.5 }, { price: 1 }]
    expect(bytesOf(before)).toBe(bytesOf(fraction) - 16)
    expect(bytesOf(after)).toBe(bytesOf(fraction))
  })

  it('counts an enumerable property of Object.prototype as one key', () => {
    const row = { kind: 'row', price: 1 }
    // Each measurement learns one key.
    const [, , bytes] = [bytesOf(row), bytesOf(row), bytesOf(row)]
    Object.assign(Object.prototype, { added: null })
    try {
      expect(bytesOf(row)).toBe((bytes as number) + 8)
    } finally {
      Reflect.deleteProperty(Object.prototype, 'added')
    }
  })

  it('forgets every shape when it knows more shapes than it may hold', () => {
    const row = { id: 1, name: 'a name' }
    const known = bytesOf(row)
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 100; j++) {
        // Each twice, and few at each level: shapes of a program rather than data.
        for (let time = 0; time < 2; time++) bytesOf({ [`a${i}`]: 1, [`b${j}`]: 1, c: 1 })
      }
    }
    expect(bytesOf({ ...row })).toBe(known)
    expect(bytesOf({ ...row })).toBe(known)
  })

  it('counts a long key as data, and does not remember it', () => {
    const long = () => bytesOf({ ['k'.repeat(100)]: 1 })
    const first = long()
    expect(first).toBeGreaterThan(bytesOf({ k: 1 }) + 100)
    for (let time = 0; time < 5; time++) expect(long()).toBe(first)
  })

  it('counts symbols as keys, and many different symbols as data', () => {
    const marked = () => bytesOf(Object.assign(Object.create({}), { [Symbol('mark')]: 1 }))
    const first = marked()
    for (let i = 0; i < 200; i++) marked()
    expect(marked()).toBeGreaterThan(first)
  })
})

describe('strings', () => {
  it('take two bytes a character if one is above U+00FF at any place', () => {
    for (const length of [2, 8, 9, 12, 13, 14, 1_000]) {
      const narrow = '\u00ff'.repeat(length)
      expect(bytesOf(narrow)).toBe(Math.ceil((16 + length) / 8) * 8)
      for (const at of [0, length - 1]) {
        const wide = `${narrow.slice(0, at)}\u0100${narrow.slice(at + 1)}`
        expect(bytesOf(wide)).toBe(Math.ceil((16 + 2 * length) / 8) * 8)
      }
    }
    expect([bytesOf(''), bytesOf('a'), bytesOf('\u00ff'), bytesOf('\u0100')]).toEqual([0, 0, 0, 24])
  })
})
