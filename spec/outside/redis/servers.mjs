import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createConnection, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

/** A Redis server on loopback that can hang, continue and die. */
export async function startRedis(port) {
  const args = ['--bind', '127.0.0.1', '--port', port, '--save', '', '--appendonly', 'no']
  const server = spawn('redis-server', args, { stdio: 'ignore' })
  process.once('exit', () => server.kill('SIGKILL'))
  await until(async () => {
    const socket = createConnection(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return true
    } finally {
      socket.destroy()
    }
  })
  return {
    hang: () => server.kill('SIGSTOP'),
    goOn: () => server.kill('SIGCONT'),
    async die() {
      if (server.exitCode !== null || server.signalCode !== null) return
      server.kill('SIGKILL')
      await once(server, 'exit')
    },
  }
}

export async function until(holds) {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds().catch(() => false)) return
    await delay(50)
  }
  throw new Error(`not true within 20 s: ${holds}`)
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

/** An HTTP server that has a row for each id; `loads` counts the requests for rows. */
export async function startOrigin() {
  const rows = new Map()
  const origin = {
    loads: 0,
    hangs: false,
    fails: false,
    rows,
    url: '',
    close: () => server.close(),
  }
  const server = createHttpServer(async (request, response) => {
    const id = decodeURIComponent(request.url.slice(1))
    if (request.method === 'PUT') rows.set(id, JSON.parse(await text(request)))
    else origin.loads++
    if (origin.hangs) return
    if (origin.fails) response.statusCode = 500
    response.end(JSON.stringify(rows.get(id) ?? { id }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin.url = `http://127.0.0.1:${server.address().port}`
  return origin
}

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
