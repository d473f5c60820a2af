import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
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
