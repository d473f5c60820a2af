import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

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
  const server = createServer(async (request, response) => {
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
