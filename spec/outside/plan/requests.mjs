// node requests.mjs MEBIBYTES writes so much of a log to standard output, as JSON lines.
import { once } from 'node:events'

const size = Number(process.argv[2]) * 2 ** 20
const KEYS = 2_000_000
let state = 1
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return state / 2 ** 32
}
let time = Date.UTC(2026, 10, 28)
for (let written = 0; written < size; ) {
  let text = ''
  while (text.length < 65_536) {
    // The key of rank n is used about 1/n as often as the first.
    const rank = Math.floor(KEYS ** random())
    time += Math.round(40 * random())
    text += `${JSON.stringify({
      timestamp: new Date(time).toISOString(),
      level: 'INFO',
      message: { path: `/items/${rank}`, bytes: 200 + ((rank * 7919) % 20_000) },
    })}\n`
  }
  written += text.length
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}
