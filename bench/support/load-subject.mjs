// Answers requests for one key from a cache in front of an origin, on Node, Bun or Deno. It stops itself
// after each answer, as a platform freezes an instance: at once, or when the promises have settled that
// the cache gave to `waitUntil`.
import { createInterface } from 'node:readline'
import { loaders } from './loaders.mjs'

const [name, hasWaitUntil, origin] = process.argv.slice(2)
const background = []
const waitUntil = hasWaitUntil === 'true' ? (promise) => background.push(promise) : undefined
const get = await loaders[name].make(load, waitUntil)

async function load(signal) {
  return (await fetch(origin, { signal })).json()
}

async function request() {
  const started = performance.now()
  const answer = await get().then(
    (writtenAt) => ({ writtenAt }),
    (error) => ({ error: String(error) }),
  )
  return { ...answer, waited: performance.now() - started }
}

for await (const command of createInterface({ input: process.stdin })) {
  if (command === 'clocks') {
    console.log(JSON.stringify({ wall: Date.now(), monotonic: performance.now() }))
  } else {
    console.log(JSON.stringify(await request()))
    await Promise.allSettled(background.splice(0))
    process.kill(process.pid, 'SIGSTOP')
  }
}
process.exit()
