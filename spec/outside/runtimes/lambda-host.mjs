import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [tool, handler] = process.argv.slice(2)
const require = createRequire(join(tool, 'package.json'))
const lambdaLocal = require('lambda-local')
lambdaLocal.setLogger({ log() {}, transports: [] })
const lambdaFunc = require(handler)

const server = createServer(async (request, response) => {
  const check = new URL(request.url, 'http://host').searchParams.get('check')
  const event = { check }
  const answer = await lambdaLocal.execute({
    event,
    lambdaFunc,
    timeoutMs: 60_000,
    verboseLevel: 0,
  })
  response.end(JSON.stringify(answer))
})
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
