import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { command } from '../../../lib/plan/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'plan-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function* chunksOf(input: string) {
  const bytes = Buffer.from(input)
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

/** Runs the command with an input, and gives its exit code and what it writes. */
async function run(words: string[], { input = '', isTTY = false } = {}) {
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY })]
  const code = await command(words, { stdin: Readable.from(chunksOf(input)), stdout, stderr })
  const textOf = (stream: PassThrough) => String(stream.read() ?? '')
  return { code, stdout: textOf(stdout), stderr: textOf(stderr) }
}

const json = (...objects: object[]) =>
  objects.map((object) => `${JSON.stringify(object)}\n`).join('')
/** Four keys in turn, once a minute; each value is 10 KB. */
const fourKeys = json(
  ...Array.from({ length: 40 }, (_, at) => ({
    path: `/${at % 4}`,
    bytes: 10_240,
    ts: new Date(Date.UTC(2026, 10, 28, 12, at)).toISOString(),
  })),
)
const options = ['--key=path', '--bytes=bytes', '--time=ts']

test('a report: what was read, a table, a recommendation', async () => {
  expect(await run(['plan', '-', ...options], { input: fourKeys })).toEqual({
    code: 0,
    stderr: '',
    stdout: `standard input: JSON lines, 40 lines, 40 uses of 4 keys, 400K
2026-11-28 12:00:00 to 2026-11-28 12:39:00 UTC, 39m

    budget  hit rate  origin calls  origin bytes
->     64K    90.0 %             4           40K

maxSizeBytes: '64K'
No other budget here has a higher hit rate.

Values are charged as logged. A parsed one takes more memory than its text: see --scale.
`,
  })
})

test('a fleet with a TTL, and budgets that were asked for', async () => {
  const words = [
    '--ttl=2h',
    '--instances=100',
    '--recycle=1h',
    '--budgets=1M,1500000',
    '--scale=1.5',
  ]
  const input = fourKeys.repeat(100)
  const { stdout } = await run(['plan', '-', ...options, ...words], { input })
  expect(stdout).toBe(`standard input: JSON lines, 4,000 lines, 4,000 uses of 4 keys, 39.1M
2026-11-28 12:00:00 to 2026-11-28 12:39:00 UTC, 39m
Times go back by up to 39m. Such a use is taken at the latest time before it.
TTL 2h
1.5 times the logged bytes
100 instances, each with a cache of this budget; 64 of them are simulated
A new instance replaces each after 1h

    budget  hit rate  origin calls  origin bytes
->      1M    89.6 %           414          4.0M
      1.4M    89.6 %           414          4.0M

maxSizeBytes: '1M'
No other budget here has a higher hit rate.
`)
})

test('a TTL that each line has is named by its field', async () => {
  const { stdout } = await run(['plan', '-', ...options, '--ttl=bytes'], { input: fourKeys })
  expect(stdout).toContain('UTC, 39m\nTTL by the field bytes\n')
})

test('a few instances are all simulated; a short log has a span in milliseconds', async () => {
  const input = json(...[0, 250].map((ts) => ({ path: '/a', bytes: 1, ts: 1e12 + ts })))
  const { stdout } = await run(['plan', '-', ...options, '--instances=2'], { input })
  expect(stdout).toContain('2001-09-09 01:46:40 to 2001-09-09 01:46:40 UTC, 250ms\n')
  expect(stdout).toContain('\n2 instances, each with a cache of this budget\n')
})

test('a smaller budget within a point of the best is recommended', async () => {
  // Two hundred small entries that all fit 128K, and one that only fits 1M.
  const small = Array.from({ length: 400 }, (_, at) => ({ k: at % 200, b: 300 }))
  const large = [
    { k: 'large', b: 600_000 },
    { k: 'large', b: 600_000 },
  ]
  const { stdout } = await run(['plan', '-', '--key=k', '--bytes=b', '--budgets=128K,1048577'], {
    input: json(...small, ...large),
  })
  expect(stdout).toContain(`
->    128K    49.8 %           202          1.2M
      1.0M    50.0 %           201        644.5K

maxSizeBytes: '128K'
Its hit rate is within a point of the best, 50.0 % with 1.0M.
`)
})

test('a budget that is no whole number of a unit is recommended in bytes', async () => {
  const { stdout } = await run(['plan', '-', '--key=path', '--bytes=5', '--budgets=1500001'], {
    input: fourKeys,
  })
  expect(stdout).toContain('\nmaxSizeBytes: 1500001\n')
  expect(stdout).not.toContain('--scale')
})

test('a table begins where something is cached, ends where it is flat, and has twelve rows', async () => {
  const uses = Array.from({ length: 2_000 }, (_, at) => ({
    k: at % 1_000,
    b: 1_000 * 2 ** (at % 10),
  }))
  const input = json(...uses, ...uses.slice(-1), ...Array(20).fill({ k: 'hot', b: 100 }))
  const { stdout } = await run(['plan', '-', '--key=k', '--bytes=b'], { input })
  const budgets = stdout
    .match(/^(?:->|) +\S+(?= +\d+\.\d %)/gm)
    ?.map((row) => row.replace('->', '').trim())
  expect(budgets?.length).toBeLessThanOrEqual(12)
  expect(budgets?.at(-1)).toBe('128M')
})

test('without hits no budget is recommended', async () => {
  const { code, stdout } = await run(['plan', '-', '--key=path', '--bytes=bytes'], {
    input: json({ path: 'a', bytes: 1 }, { path: 'b', bytes: 1 }),
  })
  expect(code).toBe(0)
  expect(stdout).toContain(
    '\nNo budget has hits: no key is used again, or only once it has expired.\n',
  )
  expect(stdout).not.toContain('maxSizeBytes:')
})

test('if a larger budget has a lower hit rate, the report says why, and a limit of one entry helps', async () => {
  const small = Array.from({ length: 30 }, (_, at) => ({ k: at % 10, b: 1_000 }))
  // It fits 32K, and pushes the others out.
  const uses = small.flatMap((use, at) =>
    at % 5 === 0 ? [use, { k: `large${at}`, b: 26_000 }] : [use],
  )
  const words = ['plan', '-', '--key=k', '--bytes=b', '--budgets=16K,32K']
  const { stdout } = await run(words, { input: json(...uses) })
  expect(stdout).toContain(
    '\nA larger budget has a lower hit rate where it stores very large entries: see --max-entry.\n',
  )
  const limited = await run([...words, '--max-entry=8K'], { input: json(...uses) })
  expect(limited.stdout).toContain('\nEntries above 8K are not stored\n')
  expect(limited.stdout).not.toContain('A larger budget')
})

test('where only a sample of the keys is simulated, the report says so', async () => {
  const uses = Array.from({ length: 40_000 }, (_, at) => ({ k: at % 20_000, b: 1_000 }))
  const { stdout } = await run(['plan', '-', '--key=k', '--bytes=b'], { input: json(...uses) })
  expect(stdout).toMatch(/uses of about \d\d,\d\d\d keys/)
  expect(stdout).toContain(
    'From 32M on, these are estimates from a sample of the keys: at least 1 in 2.',
  )
})

test('bad lines are counted and the first five named; the others are used', async () => {
  const bad = [
    'nothing',
    '{"path":"/a"}',
    '{"path":"/a","bytes":-1}',
    '[\u001b[31m]',
    `{${'x'.repeat(2 ** 20)}`,
    '5',
    '6',
  ]
  const input = `\n${fourKeys}${bad.join('\n')}\n\n${fourKeys}`
  const { code, stdout, stderr } = await run(['plan', '-', '--key=path', '--bytes=bytes'], {
    input,
  })
  expect(code).toBe(0)
  expect(stdout).toContain('standard input: JSON lines, 87 lines, 80 uses of 4 keys')
  expect(stderr).toBe(`7 of 87 lines are left out:
  line 42: not JSON
    nothing
  line 43: no field "bytes"
    {"path":"/a"}
  line 44: "bytes" is not a number of bytes: -1
    {"path":"/a","bytes":-1}
  line 45: not JSON
    [\ufffd[31m]
  line 46: too long
    {${'x'.repeat(71)}…
  and 2 more
`)
})

test('a common log needs no options, and a line of it that is bad leaves the others as they are', async () => {
  const line = (seconds: string, request: string) =>
    `10.0.0.1 - - [28/Nov/2026:12:00:${seconds} +0000] "${request}" 200 100\n`
  const input = ['00', '05', '04'].map((seconds) => line(seconds, 'GET /a HTTP/1.1')).join('')
  const { stdout, stderr } = await run(['plan', '-'], { input: input + line('00', '-') })
  expect(stdout).toMatch(/^standard input: common log format, 4 lines, 3 uses of 1 key, 300\n/)
  expect(stdout).toContain('12:00:00 to 2026-11-28 12:00:05 UTC, 5s\nTimes go back by up to 1s.')
  expect(stderr).toBe(`1 of 4 lines are left out:
  line 4: no HTTP request
    ${line('00', '-')}`)
})

test('if no line can be used, the exit code is 1 and the lines are named', async () => {
  const { code, stdout, stderr } = await run(['plan', '-', '--key=paht', '--bytes=5'], {
    input: fourKeys,
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^40 of 40 lines are left out:\n {2}line 1: no field "paht"\n/)
  expect(stderr).toMatch(/\nfaas-cache-dict: No line of standard input can be used\n$/)
})

test('a format can be given', async () => {
  const input = 'path\n/a\n/a\n'
  expect(await run(['plan', '-', '--key=path', '--bytes=5'], { input })).toMatchObject({ code: 1 })
  expect(
    await run(['plan', '-', '--key=path', '--bytes=5', '--format=csv'], { input }),
  ).toMatchObject({ code: 0, stdout: expect.stringContaining('CSV, 3 lines, 2 uses of 1 key') })
})

test('help goes to standard output', async () => {
  const { code, stdout, stderr } = await run([])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Usage: npx faas-cache-dict plan FILE/)
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
})

test.each([
  ['a wrong option', ['plan', '-', '--foo'], 2, "faas-cache-dict: Unknown option '--foo'\n"],
  [
    'a column that is missing',
    ['plan', fileOf('a.csv', 'a,b\n1,2\n'), '--key=c', '--bytes=b'],
    2,
    'faas-cache-dict: No column "c"; the columns are a, b\n',
  ],
  [
    'a missing file',
    ['plan', join(folder, 'missing')],
    1,
    `faas-cache-dict: Cannot read ${folder}/missing: ENOENT: no such file or directory, open '${folder}/missing'\n`,
  ],
  [
    'a folder',
    ['plan', folder],
    1,
    `faas-cache-dict: Cannot read ${folder}: EISDIR: illegal operation on a directory, read\n`,
  ],
  [
    'an empty file',
    ['plan', fileOf('empty', '')],
    1,
    `faas-cache-dict: ${folder}/empty is empty\n`,
  ],
  [
    'a broken gzip file',
    ['plan', fileOf('broken.gz', Uint8Array.of(0x1f, 0x8b, 8, 0))],
    1,
    `faas-cache-dict: Cannot read ${folder}/broken.gz: unexpected end of file\n`,
  ],
  [
    'a chart in a folder that is missing',
    ['plan', '-', ...options, '--svg=/missing/a.svg'],
    1,
    "faas-cache-dict: Cannot write /missing/a.svg: ENOENT: no such file or directory, access '/missing'\n",
  ],
  [
    'a chart in place of a folder',
    ['plan', '-', ...options, `--svg=${folder}`],
    1,
    `faas-cache-dict: Cannot write ${folder}: EISDIR: illegal operation on a directory, open '${folder}'\n`,
  ],
])('%s is one line on standard error', async (_name, words, code, stderr) => {
  expect(await run(words, { input: fourKeys })).toEqual({ code, stdout: '', stderr })
})

test('a chart does not take the place of the log', async () => {
  const log = fileOf('log.jsonl', fourKeys)
  const link = join(folder, 'link.jsonl')
  symlinkSync(log, link)
  for (const svg of [log, link]) {
    expect(await run(['plan', log, ...options, `--svg=${svg}`])).toEqual({
      code: 2,
      stdout: '',
      stderr: `faas-cache-dict: --svg=${svg} is the log itself\n`,
    })
  }
  expect(readFileSync(log, 'utf8')).toBe(fourKeys)
})

test.each([
  ['its newest lines first', fourKeys.split('\n').reverse().join('\n'), '2026-11-28 12:39:00'],
  [
    'a time that all lines after it contradict',
    `{"path":"/a","bytes":1,"ts":"3000-01-01"}\n${fourKeys}`,
    '3000-01-01 00:00:00',
  ],
])('a log with %s is refused where time matters', async (_name, input, time) => {
  expect(await run(['plan', '-', ...options, '--ttl=1m'], { input })).toEqual({
    code: 1,
    stdout: '',
    stderr: `faas-cache-dict: standard input is not in order: many lines come before ${time} but after a line of that time. Sort it, the oldest first\n`,
  })
  const { stdout } = await run(['plan', '-', ...options], { input })
  expect(stdout).toContain("maxSizeBytes: '64K'")
})

test('a control character in the name of the log reaches neither the terminal nor the chart', async () => {
  const svg = join(folder, 'control.svg')
  const log = fileOf('a\u001b[31m.jsonl', fourKeys)
  const { stdout } = await run(['plan', log, ...options, `--svg=${svg}`])
  expect(stdout).toContain('a\ufffd[31m.jsonl: JSON lines')
  expect(readFileSync(svg, 'utf8')).toContain('a\ufffd[31m.jsonl')
})

test('an error of the program itself is thrown, with its stack', async () => {
  const stdin = Readable.from([Buffer.from(fourKeys)])
  const stdout = new PassThrough()
  stdout.write = () => {
    throw new TypeError('a bug')
  }
  await expect(
    command(['plan', '-', ...options], { stdin, stdout, stderr: new PassThrough() }),
  ).rejects.toThrow('a bug')
  const broken = new Readable({
    read() {
      this.destroy(new TypeError('another bug'))
    },
  })
  await expect(
    command(['plan', '-', ...options], {
      stdin: broken,
      stdout: new PassThrough(),
      stderr: new PassThrough(),
    }),
  ).rejects.toThrow('another bug')
})

test('the reader of a pipe may leave early; another error of the output is thrown', async () => {
  const stdout = new PassThrough()
  await command([], { stdin: Readable.from([]), stdout, stderr: new PassThrough() })
  const failure = (code: string) => Object.assign(new Error(code), { code })
  expect(() => stdout.emit('error', failure('EPIPE'))).not.toThrow()
  expect(() => stdout.emit('error', failure('ENOSPC'))).toThrow('ENOSPC')
})

test('a terminal shows the progress in one line, and nothing is left of it', async () => {
  vi.useFakeTimers({ now: 0, toFake: ['Date'] })
  const path = fileOf('log.jsonl', fourKeys.repeat(1_000))
  const { stderr } = await run(['plan', path, ...options], { isTTY: true })
  const [before, shown, after] = stderr.split('\r\u001b[K')
  expect([before, after]).toEqual(['', ''])
  expect(shown).toMatch(/^[\d.]+[KM] of 2\.\dM, [\d,]+ lines$/)
  const piped = await run(['plan', '-', ...options], { isTTY: true, input: fourKeys.repeat(1_000) })
  expect(piped.stderr).toBe('\r\u001b[K128K, 2,184 lines\r\u001b[K')
  const short = await run(['plan', '-', ...options], { isTTY: true, input: fourKeys })
  expect(short.stderr).toBe('')
  expect(await run(['plan', path, ...options])).toMatchObject({ stderr: '' })
})

test('a chart is an SVG of its own, for light and dark, and names what it shows', async () => {
  const svg = join(folder, 'chart.svg')
  const path = fileOf('a&b<c>.jsonl', fourKeys)
  const { code } = await run([
    'plan',
    path,
    ...options,
    `--svg=${svg}`,
    '--budgets=16K,32K,33K,64K',
  ])
  expect(code).toBe(0)
  const chart = readFileSync(svg, 'utf8')
  expect(chart).toMatch(
    /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 \d+ \d+" role="img"/,
  )
  expect(chart).toContain(
    '<title>Hit rate by budget: with 64K, 90.0 % of the uses are hits.</title>',
  )
  expect(chart).toContain('prefers-color-scheme:dark')
  expect(chart).toContain('a&#38;b&#60;c&#62;.jsonl: JSON lines')
  expect(chart).toContain('recommended: 64K')
  expect(chart).toContain('<title>16K: 0.0 % hits, 40 origin calls, 400K from the origin</title>')
  expect(chart).not.toContain('NaN')
  // The name of a budget next to another would overlap it.
  expect(chart).toContain('>32K</text>')
  expect(chart).not.toContain('>33K</text>')
})

test('a chart has the end of a name that does not fit', async () => {
  const svg = join(folder, 'long.svg')
  await run(['plan', fileOf(`${'x'.repeat(80)}.log`, fourKeys), ...options, `--svg=${svg}`])
  const chart = readFileSync(svg, 'utf8')
  expect(chart).toMatch(/>…x+\.log: JSON lines, 40 lines, 40 uses of 4 keys, 400K</)
})

test('a chart of one budget without hits recommends none', async () => {
  const svg = join(folder, 'one.svg')
  await run(['plan', '-', ...options, `--svg=${svg}`, '--budgets=16K'], { input: fourKeys })
  const chart = readFileSync(svg, 'utf8')
  expect(chart).toContain(
    '<title>Hit rate by budget: with 16K, 0.0 % of the uses are hits.</title>',
  )
  expect(chart).not.toContain('recommended')
  expect(chart).not.toContain('NaN')
})

test('the command runs on the streams of the process', async () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  vi.stubGlobal(
    'process',
    Object.assign(Object.create(process), { argv: ['node', 'plan.js', '--help'] }),
  )
  await import('../../../lib/plan.ts')
  vi.unstubAllGlobals()
  expect(write).toHaveBeenCalledWith(expect.stringMatching(/^Usage: /))
})
