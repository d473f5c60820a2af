// One class of values where only an inspector tells what is alive: in a page and in a Worker.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../spec/outside/install.mjs'
import { open } from '../../spec/outside/runtimes/chromium.mjs'
import { LATEST, serve } from '../../spec/outside/runtimes/workerd.mjs'

const alive = ({ usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 }) =>
  usedSize + embedderHeapUsedSize + backingStorageSize

export async function inChromium(name) {
  const page = await open(root, '<!doctype html>')
  try {
    await page.tab.evaluate(async () => {
      const { charged, fill, prepare } = await import('/bench/engines/classes.mjs')
      const { heapSize } = await import('/dist/index.js')
      globalThis.steps = { prepare, fill, charged: () => charged(heapSize) }
    })
    const inspector = await page.tab.context().newCDPSession(page.tab)
    return await weigh(name, {
      step: (step, name) =>
        page.tab.evaluate(([step, name]) => globalThis.steps[step](name), [step, name]),
      collect: async () => {
        for (let i = 0; i < 4; i++) await inspector.send('HeapProfiler.collectGarbage')
      },
      usage: () => inspector.send('Runtime.getHeapUsage'),
    })
  } finally {
    await page.close()
  }
}

export async function inWorkerd(name) {
  const folder = join(root, '.cache/engines')
  mkdirSync(folder, { recursive: true })
  const modules = {
    'worker.mjs': '../../bench/engines/worker.mjs',
    'classes.mjs': '../../bench/engines/classes.mjs',
    'faas-cache-dict': '../../dist/index.js',
  }
  const worker = await serve(folder, LATEST, modules, {
    isInspected: true,
    v8Flags: ['--expose-gc'],
  })
  try {
    const step = async (step, name = '') => {
      const query = new URLSearchParams({ step, name })
      return (await fetch(`http://127.0.0.1:${worker.port}/?${query}`)).json()
    }
    const inspector = await attach(worker.inspectorPort)
    return await weigh(name, {
      step,
      collect: () => step('collect'),
      usage: () => inspector.send('Runtime.getHeapUsage'),
    })
  } finally {
    await worker.close()
  }
}

async function weigh(name, { step, collect, usage }) {
  await step('prepare', name)
  await collect()
  const before = alive(await usage())
  await step('fill')
  await collect()
  const real = alive(await usage()) - before
  return { real, charged: await step('charged') }
}

async function attach(port) {
  const [{ webSocketDebuggerUrl }] = await (await fetch(`http://127.0.0.1:${port}/json`)).json()
  const socket = new WebSocket(webSocketDebuggerUrl)
  const waiting = new Map()
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(data)
    waiting.get(id)?.(result)
  })
  await new Promise((opened) => socket.addEventListener('open', opened))
  let count = 0
  return {
    send: (method) =>
      new Promise((answered) => {
        const id = ++count
        waiting.set(id, answered)
        socket.send(JSON.stringify({ id, method }))
      }),
  }
}
