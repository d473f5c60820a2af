import { mkdirSync } from 'node:fs'
import { open } from '../spec/outside/runtimes/chromium.mjs'
import { LATEST, serve } from '../spec/outside/runtimes/workerd.mjs'
import { median } from './support/figures.mjs'
import { inFreshProcess, root, scratch, versionOf } from './support/process.mjs'
import { marked, table } from './support/report.mjs'
import { weighing } from './support/weighing.mjs'

/** Classes that need nothing but the language. */
const CLASSES = [
  'rows',
  'strings',
  'strings of two bytes a character',
  'arrays of 200 integers',
  'arrays of 200 doubles',
  'arrays of 20 rows',
  'class instances',
  'Maps of 20',
  'Sets of 20',
  'dates',
  'bigints of 64 bits',
  'typed arrays of 4,000 bytes',
  'ArrayBuffers of 4 KiB',
  'objects of 20 unique keys',
]
const WEIGHING = new URL('./support/weighing.mjs', import.meta.url)
const inProcess = (on) => (name) =>
  inFreshProcess(WEIGHING, 'weigh', [name], {
    on,
    flags: on === 'bun' ? [] : ['--expose-gc'],
  })

export async function run({ quick, isWanted }) {
  const engines = {
    [`Node ${versionOf('node20')}`]: inProcess('node20'),
    [`Node ${versionOf('node26')}`]: inProcess('node26'),
    [`Deno ${versionOf('deno')}`]: inProcess('deno'),
    [`Bun ${versionOf('bun')}`]: inProcess('bun'),
    [`workerd ${versionOf('workerd')}`]: (name) =>
      // An older Node has no WebSocket.
      inFreshProcess(import.meta.url, 'inWorkerd', [name], { on: 'node24' }),
    Chromium: inChromium,
  }
  const rounds = quick ? 1 : 3
  const rows = []
  for (const name of CLASSES.filter(isWanted)) {
    const cells = []
    for (const weigh of Object.values(engines)) {
      const ratios = []
      for (let round = 0; round < rounds; round++) {
        const { charged, real } = await weigh(name)
        ratios.push(charged / real)
      }
      cells.push(marked(median(ratios)))
    }
    rows.push([name, ...cells])
    console.error(name)
  }
  const text = `Charged bytes ÷ bytes that are alive, heap and buffers, after forced collections; the median of
${rounds} fresh processes.

${table(['charged ÷ real', ...Object.keys(engines)], rows)}
`
  return { title: 'Bytes on other engines', text }
}

const inUse = ({ usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 }) =>
  usedSize + embedderHeapUsedSize + backingStorageSize

async function inChromium(name) {
  const page = await open(root, '<!doctype html>')
  try {
    await page.tab.evaluate(async () => {
      const { prepare, fill, empty } = await import('/bench/support/values.mjs')
      const { heapSize } = await import('/dist/index.js')
      globalThis.steps = { prepare, fill: () => fill(heapSize), empty }
    })
    const inspector = await page.tab.context().newCDPSession(page.tab)
    const step = (...call) =>
      page.tab.evaluate(([step, name]) => globalThis.steps[step](name), call)
    const alive = async () => {
      for (let i = 0; i < 4; i++) await inspector.send('HeapProfiler.collectGarbage')
      return inUse(await inspector.send('Runtime.getHeapUsage'))
    }
    return await weighing(name, { step, alive })
  } finally {
    await page.close()
  }
}

export async function inWorkerd(name) {
  mkdirSync(scratch, { recursive: true })
  const modules = {
    'worker.mjs': '../../bench/support/worker.mjs',
    'values.mjs': '../../bench/support/values.mjs',
    'figures.mjs': '../../bench/support/figures.mjs',
    'rows.mjs': '../../bench/support/rows.mjs',
    'faas-cache-dict': '../../dist/index.js',
  }
  const worker = await serve(scratch, LATEST, modules, {
    isInspected: true,
    v8Flags: ['--expose-gc'],
  })
  try {
    const step = async (step, name = '') => {
      const query = new URLSearchParams({ step, name })
      return (await fetch(`http://127.0.0.1:${worker.port}/?${query}`)).json()
    }
    const send = await inspectorOf(worker.inspectorPort)
    const alive = async () => {
      await step('collect')
      return inUse(await send('Runtime.getHeapUsage'))
    }
    return await weighing(name, { step, alive })
  } finally {
    await worker.close()
  }
}

async function inspectorOf(port) {
  const [{ webSocketDebuggerUrl }] = await (await fetch(`http://127.0.0.1:${port}/json`)).json()
  const socket = new WebSocket(webSocketDebuggerUrl)
  const waiting = new Map()
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(data)
    waiting.get(id)?.(result)
  })
  await new Promise((opened) => socket.addEventListener('open', opened))
  let count = 0
  return (method) =>
    new Promise((answered) => {
      const id = ++count
      waiting.set(id, answered)
      socket.send(JSON.stringify({ id, method }))
    })
}
