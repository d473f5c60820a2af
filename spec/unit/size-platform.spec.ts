import { describe, expect, it, vi } from 'vitest'
import { heapSize } from '../../lib/size/heap-size.ts'
import { inChild } from '../support/child.ts'

interface Wasm {
  Memory: new (of: object) => object
  Table: new (of: object) => object
  Module: new (code: Uint8Array) => object
  Instance: new (module: object) => object
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: Wasm }
const MEGABYTE = 2 ** 20
const isNode = !('Bun' in globalThis) && !('Deno' in globalThis)
const megabyte = () => new Uint8Array(MEGABYTE)
/** A flat text of this length, different each time. */
let count = 0
const text = (length: number) => `${++count}`.padStart(length, 'x')
const fields = (length: number) =>
  Array.from({ length }, (_, at) => [`x-field-${at}`, text(30)] as [string, string])

describe('an object of the platform is charged its contents:', () => {
  it.each<[string, () => unknown]>([
    ['the data of a Blob', () => new Blob([megabyte()])],
    ['the data of a File', () => new File([megabyte()], 'a.txt')],
    ['the memory of WebAssembly', () => new WebAssembly.Memory({ initial: 16 })],
    [
      'a File in a FormData',
      () => {
        const form = new FormData()
        form.append('file', new Blob([megabyte()]), 'a.txt')
        return form
      },
    ],
    ['a text in a FormData', () => form([['text', text(MEGABYTE)]])],
    ['a field of Headers', () => new Headers([['x-field', text(MEGABYTE)]])],
    ['URLSearchParams', () => new URLSearchParams([['text', text(MEGABYTE)]])],
    ['a URL', () => new URL(`https://example.com/${text(MEGABYTE)}`)],
    ['the URL of a Request', () => new Request(`https://example.com/${text(MEGABYTE)}`)],
    [
      'the fields of a Response',
      () => new Response(null, { headers: [['x-field', text(MEGABYTE)]] }),
    ],
    ['a text as an object', () => new String(text(MEGABYTE))],
  ])('%s', (_name, make) => {
    const value = make()
    expect(heapSize(value)).toBeGreaterThan(MEGABYTE)
    expect(heapSize(value)).toBeLessThan(1.04 * MEGABYTE + 10_000)
    expect(heapSize([value, value])).toBe(heapSize([value, 1]))
  })

  const form = (pairs: [string, string][]) => {
    const data = new FormData()
    for (const [name, value] of pairs) data.append(name, value)
    return data
  }
  it.each<[string, (pairs: [string, string][]) => object]>([
    ['Headers', (pairs) => new Headers(pairs)],
    ['FormData', form],
    ['URLSearchParams', (pairs) => new URLSearchParams(pairs)],
  ])('each pair of %s', (_name, make) => {
    const pair = (heapSize(make(fields(20))) - heapSize(make([]))) / 20
    const texts = heapSize('x-field-0') + heapSize(text(30))
    expect(pair).toBeGreaterThan(texts + 30)
    expect(pair).toBeLessThan(texts + 200)
  })

  it('the body of a Response, which stays unread', async () => {
    const body = text(100_000)
    for (const response of [new Response(body), new Response(new TextEncoder().encode(body))]) {
      const bytes = heapSize(response)
      if (isNode) expect(bytes).toBeGreaterThan(100_000)
      expect(bytes).toBeLessThan(250_000)
      expect(response.bodyUsed).toBe(false)
      expect(await response.text()).toBe(body)
    }
  })

  it('properties that a program added to it', () => {
    const headers = new Headers()
    const bare = heapSize(headers)
    const kept = [text(1000)]
    expect(heapSize(Object.assign(headers, { kept }))).toBe(bare + 8 + heapSize(kept))
  })

  it('the exported memory of a WebAssembly instance', () => {
    // (module (memory (export "m") 2))
    const code = [0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 2, 7, 5, 1, 1, 109, 2, 0]
    const module = new WebAssembly.Module(new Uint8Array(code))
    expect(heapSize(new WebAssembly.Instance(module))).toBeGreaterThan(2 * 65_536)
    expect(heapSize(module)).toBeGreaterThan(1000)
    const table = (initial: number) => new WebAssembly.Table({ initial, element: 'anyfunc' })
    expect(heapSize(table(1000)) - heapSize(table(0))).toBe(32_000)
  })

  it('formatters of Intl and generators by an estimate', () => {
    expect(heapSize(new Intl.DateTimeFormat())).toBeGreaterThan(20_000)
    expect(heapSize(new Intl.NumberFormat())).toBeGreaterThan(1000)
    expect(heapSize(new Intl.ListFormat())).toBe(heapSize(new Intl.NumberFormat()))
    expect(heapSize((function* () {})())).toBeGreaterThan(500)
  })

  it.each([
    ['a number', Object(1.5), 32 + 16],
    ['a small number', Object(1), 32],
    ['a boolean', Object(true), 32],
    ['a bigint', Object(1n), 32 + 24],
    ['a symbol', Object(Symbol('s')), 32 + 32],
    ['a text', Object('abcdefgh'), 32 + 24],
  ])('%s as an object', (_name, value, bytes) => {
    expect(heapSize(value)).toBe(bytes)
  })
})

describe.runIf(isNode)('objects that only Node has are charged:', () => {
  it('KeyObject, BlockList and X509Certificate', async () => {
    const [{ BlockList }, { createSecretKey, X509Certificate }] = await Promise.all([
      import('node:net'),
      import('node:crypto'),
    ])
    expect(heapSize(createSecretKey(Buffer.alloc(32)))).toBeGreaterThan(2000)
    const list = new BlockList()
    const empty = heapSize(list)
    for (let at = 0; at < 10; at++) list.addAddress(`10.0.0.${at}`)
    expect(heapSize(list) - empty).toBe(10 * 500)
    expect(heapSize(Object.create(X509Certificate.prototype))).toBeLessThan(100)
  })
})

describe('a class that resembles a class of the platform', () => {
  const names = ['Blob', 'FormData', 'Headers', 'Response', 'Request', 'URL', 'URLSearchParams']
  const pretended = (name: string, isTagged: boolean, ran: string[]) => {
    const told = (what: string) => () => {
      ran.push(what)
      return [][Symbol.iterator]()
    }
    const classes = { [name]: class {} as new () => object }
    const { prototype } = classes[name] as { prototype: object }
    for (const getter of ['size', 'href', 'url', 'headers', 'body', 'buffer', 'data']) {
      Object.defineProperty(prototype, getter, { get: told(getter) })
    }
    for (const method of ['entries', 'forEach', 'keys', 'get', 'toString', 'valueOf', 'toJSON']) {
      Object.defineProperty(prototype, method, { value: told(method) })
    }
    Object.defineProperty(prototype, Symbol.iterator, { value: told('iterator') })
    if (isTagged) Object.defineProperty(prototype, Symbol.toStringTag, { value: name })
    return new (classes[name] as new () => object)()
  }

  it.each(names)('by the name %s runs no code and is charged at most an estimate', (name) => {
    const ran: string[] = []
    expect(heapSize(pretended(name, false, ran))).toBe(24)
    expect(heapSize(pretended(name, true, ran))).toBeLessThan(20_000)
    expect(ran).toEqual([])
  })

  it.each(names)('by inheriting from %s is charged as any object', (name) => {
    const { prototype } = (globalThis as unknown as Record<string, { prototype: object }>)[
      name
    ] as { prototype: object }
    expect(heapSize(Object.create(prototype))).toBeLessThan(100)
  })

  it.each(['String', 'Number', 'Boolean', 'Symbol', 'BigInt'])(
    'by the name %s is charged as any object',
    (name) => {
      expect(heapSize(pretended(name, false, []))).toBe(24)
    },
  )

  it('by a name or a tag that is not a string runs no code', () => {
    const told = { toString: () => expect.unreachable() }
    class Row {}
    Object.defineProperty(Row, 'name', { value: told })
    Object.defineProperty(Row.prototype, Symbol.toStringTag, { value: told })
    expect(heapSize(new Row())).toBe(24)
  })
})

describe('a subclass of a class of the platform', () => {
  it('is charged as that class, and runs no code of the subclass', () => {
    const ran: string[] = []
    const told = (name: string | symbol) => () => {
      ran.push(String(name))
      throw new Error('no')
    }
    class Told extends Headers {}
    for (const name of ['entries', 'get', 'forEach', Symbol.iterator]) {
      Object.defineProperty(Told.prototype, name, { value: told(name) })
    }
    class Sized extends Blob {}
    Object.defineProperty(Sized.prototype, 'size', { get: told('size') })
    const pairs = fields(10)
    expect(heapSize(new Told(pairs))).toBe(heapSize(new Headers(pairs)))
    expect(heapSize(new Sized([megabyte()]))).toBeGreaterThan(MEGABYTE)
    const response = new Response(text(100))
    Object.defineProperty(response, 'headers', { get: () => ran.push('headers') })
    Object.defineProperty(response, 'body', { get: () => ran.push('body') })
    expect(heapSize(response)).toBeGreaterThan(500)
    expect(ran).toEqual([])
  })
})

describe('a Response with private state', () => {
  class Response {
    readonly #parts: { body: unknown; headers: Headers }
    constructor(body: unknown, headers: Record<string, string> = {}) {
      this.#parts = { body, headers: new Headers(headers) }
    }
    get url() {
      this.#parts
      return 'https://example.com/'
    }
    get headers() {
      return this.#parts.headers
    }
    get body() {
      return this.#parts.body
    }
  }
  Object.defineProperty(Response.prototype, Symbol.toStringTag, { value: 'Response' })
  const stream = { queue: [megabyte()] }

  it.runIf(isNode)(
    'is charged its URL, its headers, its stream, and the length of its body',
    async () => {
      vi.stubGlobal('Response', Response)
      vi.resetModules()
      try {
        const { heapSize } = await import('../../lib/size/heap-size.ts')
        const bare = 300 + heapSize('https://example.com/') + heapSize(new Headers())
        expect(heapSize(new Response(null))).toBe(bare)
        expect(heapSize(new Response(stream))).toBe(bare + heapSize(stream) + 8192)
        for (const [length, bytes] of [
          ['0', 0],
          ['123456', 123_456],
          ['-1', 8192],
          ['1.5', 8192],
          ['many', 8192],
          ['1e400', 8192],
        ] as const) {
          const headers = { 'content-length': length }
          const response = new Response(stream, headers)
          const fields = heapSize(new Headers(headers)) - heapSize(new Headers())
          expect(heapSize(response)).toBe(bare + fields + heapSize(stream) + bytes)
        }
        expect(heapSize(Object.create(Response.prototype))).toBe(24)
      } finally {
        vi.unstubAllGlobals()
      }
    },
  )

  it('keeps its body unread on a runtime where the getter may turn the body into a stream', async () => {
    vi.stubGlobal('Response', Response)
    vi.stubGlobal('process', undefined)
    vi.resetModules()
    try {
      const { heapSize } = await import('../../lib/size/heap-size.ts')
      expect(heapSize(new Response(stream))).toBeLessThan(10_000)
    } finally {
      vi.unstubAllGlobals()
    }
  })
})

describe('on a platform without the class', () => {
  it('an object with its tag is charged an estimate', async () => {
    const headers = new Headers(fields(2))
    vi.stubGlobal('Headers', undefined)
    vi.stubGlobal('WebAssembly', undefined)
    vi.stubGlobal('process', undefined)
    vi.resetModules()
    try {
      const { heapSize } = await import('../../lib/size/heap-size.ts')
      expect(heapSize(headers)).toBeGreaterThan(300)
      expect(heapSize({ a: 1 })).toBe(32)
    } finally {
      vi.unstubAllGlobals()
    }
  })
})

describe.runIf(isNode)('measuring', () => {
  it('loads no module of Node that the value does not need', async () => {
    const late = await inChild(`
      import { heapSize } from 'faas-cache-dict'
      for (const name of ['Headers', 'Response', 'Request', 'FormData', 'BlockList']) {
        const Fake = { [name]: class {} }[name]
        heapSize(new Fake())
        Object.defineProperty(Fake.prototype, Symbol.toStringTag, { value: name })
        heapSize(new ({ [name]: class extends Fake {} }[name])())
      }
      heapSize([new Blob(['x']), new URL('https://example.com'), new URLSearchParams('a=b')])
      const late = /undici|NativeModule (net|crypto)$/
      console.log(JSON.stringify(process.moduleLoadList.filter((name) => late.test(name))))
    `)
    expect(late).toEqual([])
  })
})
