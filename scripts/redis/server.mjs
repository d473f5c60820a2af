import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export async function startRedis(port) {
  const args = ['--bind', '127.0.0.1', '--port', port, '--save', '', '--appendonly', 'no']
  const server = spawn('redis-server', args, { stdio: 'ignore' })
  process.on('exit', () => server.kill('SIGKILL'))
  await until(async () => {
    const socket = createConnection(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return true
    } finally {
      socket.destroy()
    }
  })
  return server
}

export async function until(holds) {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds().catch(() => false)) return
    await delay(50)
  }
  throw new Error('It did not come to hold within 10 s')
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}
