import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [framework, program] = process.argv.slice(2)
const require = createRequire(join(framework, 'package.json'))
const { http } = require('@google-cloud/functions-framework')
const { getTestServer } = require('@google-cloud/functions-framework/testing')
const { answer } = await import(pathToFileURL(program).href)

http('conformance', async (request, response) => {
  response.json(await answer(request.query.check))
})
// The framework's own command would listen on every interface.
const server = getTestServer('conformance').listen(0, '127.0.0.1', () => {
  process.send(server.address().port)
})
