import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import countries from 'world-countries'

const byCode = new Map(countries.map((country) => [country.cca3, country]))

export const codes = [...byCode.keys()]

/** Serves the countries of the world on loopback. Each answer takes 2 to 8 ms, as a database does. */
export async function startOrigin(random) {
  let requests = 0
  const server = createServer(async (request, response) => {
    requests++
    await delay(2 + random() * 6)
    const country = byCode.get(decodeURIComponent(request.url.split('/').at(-1)))
    response.writeHead(country ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(country ?? null))
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests: () => requests,
    stop() {
      server.closeAllConnections()
      return new Promise((closed) => server.close(closed))
    },
  }
}
