class Hidden {
  #secret = [1, 2, 3]
  shown = () => this.#secret
  get broken() {
    throw new Error('a getter ran')
  }
}

const cyclic = () => {
  const value = { list: [] }
  value.list.push(value)
  return value
}

const common = {
  'a string': () => 'text of some length',
  'a string of two bytes a character': () => '日本語の文字列',
  'a bigint': () => 10n ** 40n,
  'a double': () => 0.5,
  'a date': () => new Date(),
  'a regular expression': () => /a+/u,
  'an error': () => new Error('stack and all', { cause: new Error('cause') }),
  'a map and a set': () => ({ map: new Map([['a', new Set([1, 'b'])]]) }),
  'buffers and views': () => [
    new ArrayBuffer(1_000),
    new Uint8Array(8),
    new DataView(new ArrayBuffer(8)),
  ],
  'a function': () => () => 1,
  'a cycle': cyclic,
  'an instance with private fields': () => new Hidden(),
  'a proxy that throws': () =>
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('trap')
        },
      },
    ),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  'ten thousand levels': () => {
    let value = null
    for (let level = 0; level < 10_000; level++) value = { value }
    return value
  },
  'the global object': () => globalThis,
}

// Only some platforms have these.
const ofThePlatform = {
  'a URL and its parameters': ['URL', () => new URL('https://example.com/?a=1')],
  headers: ['Headers', () => new Headers({ accept: 'text/plain' })],
  'a request': [
    'Request',
    () => new Request('https://example.com/', { method: 'POST', body: 'a' }),
  ],
  'a response': ['Response', () => new Response('text')],
  'a blob': ['Blob', () => new Blob(['text'])],
  'a stream': ['Response', () => new Response('text').body],
  'an abort signal': ['AbortController', () => new AbortController().signal],
  'an encoder': ['TextEncoder', () => new TextEncoder()],
  'a shared buffer': ['SharedArrayBuffer', () => new SharedArrayBuffer(64)],
  'a weak reference': ['WeakRef', () => new WeakRef({})],
  'a Buffer of the pool': ['Buffer', () => globalThis.Buffer.from('text')],
  'an element of a page': ['document', () => globalThis.document.createElement('div')],
  'compiled WebAssembly': ['WebAssembly', () => new WebAssembly.Memory({ initial: 1 })],
}

export const values = {
  ...common,
  ...Object.fromEntries(
    Object.entries(ofThePlatform)
      .filter(([, [global]]) => globalThis[global] !== undefined)
      .map(([name, [, make]]) => [name, make]),
  ),
}
