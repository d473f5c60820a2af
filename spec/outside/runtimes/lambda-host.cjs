const { createRequire } = require('node:module')
const { join } = require('node:path')

const [tools, handler] = process.argv.slice(2)
const lambdaLocal = createRequire(join(tools, 'package.json'))('lambda-local')
lambdaLocal.setLogger({ log() {}, transports: [] })
const lambdaFunc = require(handler)

process.on('message', async (check) => {
  const answer = await lambdaLocal.execute({
    event: { check },
    lambdaFunc,
    timeoutMs: 60_000,
    verboseLevel: 0,
  })
  process.send({ check, answer })
})
