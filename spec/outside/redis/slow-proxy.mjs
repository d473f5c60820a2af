import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A proxy in front of a port that delays each answer by `delayMs`. */
export async function startSlowProxy(target) {
  const proxy = { delayMs: 0, port: 0, close: () => server.close() }
  const server = createServer((client) => {
    const upstream = createConnection(target, '127.0.0.1')
    client.pipe(upstream)
    upstream.on('data', async (answer) => {
      await delay(proxy.delayMs)
      if (client.writable) client.write(answer)
    })
    for (const socket of [client, upstream]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy.port = server.address().port
  return proxy
}
