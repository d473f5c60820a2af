// `npx faas-cache-dict plan` from the packed package, on a real log and on a large one.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { consumerOf, root } from './install.mjs'
import { exactly, usesOf } from './plan/exact.mjs'
import { open } from './runtimes/chromium.mjs'

const MEBIBYTE = 2 ** 20
const consumer = consumerOf()
const bin = join(consumer, 'node_modules/.bin/faas-cache-dict')
const log = join(root, 'spec/outside/plan/access.log.gz')
const uses = usesOf(String(gunzipSync(readFileSync(log))))

/** Runs a shell command in the consumer's folder, where `$bin` is the command and `$log` the log. */
function shell(command, env = {}) {
  const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], {
    cwd: consumer,
    encoding: 'utf8',
    env: { ...process.env, bin, log, ...env },
    timeout: 300_000,
  })
  return { status, stdout, stderr }
}

const UNITS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }
const bytesFrom = (text) => Number.parseFloat(text) * UNITS[text.replace(/[\d.]/g, '')]

function rowsOf(report) {
  const rows = report.matchAll(/^(?:->|) +(\S+) +([\d.]+) % +([\d,]+) +(\S+)$/gm)
  return [...rows].map(([, budget, hitRate, calls, bytes]) => ({
    budget: bytesFrom(budget),
    hitRate: Number(hitRate) / 100,
    calls: Number(calls.replaceAll(',', '')),
    bytes: bytesFrom(bytes),
  }))
}

/** Of the uses: the planner also counts what the tables of the cache have to spare. */
const TOLERANCE = 0.001

for (const [options, ttl] of [
  ['', Infinity],
  ['--ttl=1h', 3_600_000],
]) {
  test(`a real access log: each row is that of an exact cache ${options}`, () => {
    const { status, stdout, stderr } = shell(
      `npx --no-install faas-cache-dict plan $log ${options}`,
    )
    console.log(stdout)
    assert.equal(status, 0, stderr)
    assert.equal(stderr, '')
    assert.match(stdout, /10,000 lines, 10,000 uses of 1,498 keys/)
    assert.match(stdout, /^2015-05-17 10:05:03 to 2015-05-20 21:05:59 UTC, 3.5d$/m)
    const rows = rowsOf(stdout)
    assert.ok(rows.length >= 8, stdout)
    for (const { budget, hitRate, calls, bytes } of rows) {
      const exact = exactly(uses, budget, ttl)
      const differs = `${budget}: ${calls} origin calls, not ${exact.calls}`
      assert.ok(Math.abs(calls - exact.calls) <= TOLERANCE * uses.length, differs)
      assert.ok(Math.abs(hitRate - (1 - calls / uses.length)) <= 0.0005)
      // The table shows two digits.
      assert.ok(Math.abs(bytes / exact.bytes - 1) <= 0.05)
    }
  })
}
test('the same log, by file, by pipe, compressed or not, with other line ends', () => {
  const [first, ...others] = [
    '$bin plan - < $log',
    'zcat $log | $bin plan -',
    "zcat $log | sed 's/$/\\r/' | $bin plan -",
    'cat $log $log | $bin plan - && $bin plan - < $log',
  ].map((command) => rowsOf(shell(command).stdout))
  assert.ok(first.length > 0)
  const [withLineEnds] = others.splice(1, 1)
  assert.deepEqual(withLineEnds, first)
  assert.deepEqual(others[0], first)
  assert.deepEqual(others[1].slice(-first.length), first)
})
test('the recommended budget can be pasted', async () => {
  const { stdout } = shell('$bin plan $log')
  const [, option] = /^(maxSizeBytes: .+)$/m.exec(stdout)
  const script = `import { FaaSCacheDict } from 'faas-cache-dict'
    console.log(String(new FaaSCacheDict({ ${option} })))`
  writeFileSync(join(consumer, 'paste.mjs'), script)
  assert.match(shell('node paste.mjs').stdout, /maxSizeBytes=512M/)
})

test('300 MB by a pipe, in a heap of 64 MB', (t) => {
  const report = "process.on('exit', () => console.error('peak', process.resourceUsage().maxRSS))"
  const generator = join(root, 'spec/outside/plan/requests.mjs')
  const started = performance.now()
  const { status, stdout, stderr } = shell(
    `node ${generator} 300 | node --max-old-space-size=64 --import "data:text/javascript,$report" $bin plan - --key=message.path --bytes=message.bytes --time=timestamp --ttl=10m`,
    { report },
  )
  assert.equal(status, 0, stderr)
  const peak = Number(/peak (\d+)/.exec(stderr)[1]) * 1024
  t.diagnostic(
    `${Math.round((performance.now() - started) / 1_000)} s, at most ${Math.round(peak / MEBIBYTE)} MB resident`,
  )
  assert.ok(peak < 200 * MEBIBYTE, `${peak} bytes`)
  assert.ok(rowsOf(stdout).length > 4, stdout)
})
test('a line of 300 MB, in a heap of 64 MB', () => {
  const line = "{ head -c 300000000 /dev/zero | tr '\\0' x; echo; zcat $log; }"
  const heap = 'NODE_OPTIONS=--max-old-space-size=64'
  const { status, stdout, stderr } = shell(`${line} | ${heap} $bin plan - --format=common`)
  assert.equal(status, 0, stderr)
  assert.match(stderr, /^1 of 10,001 lines are left out:\n {2}line 1: too long\n/)
  assert.match(stdout, /10,000 uses of 1,498 keys/)
})
test('a reader that leaves early breaks nothing', () => {
  for (const reader of ['true', 'head -1', 'head -c 5']) {
    assert.deepEqual(shell(`$bin plan $log --svg=early.svg | ${reader} > /dev/null`), {
      status: 0,
      stdout: '',
      stderr: '',
    })
  }
  assert.match(readFileSync(join(consumer, 'early.svg'), 'utf8'), /<\/svg>\n$/)
})
test('a disk that is full is an error', () => {
  assert.notEqual(shell('$bin plan $log > /dev/full').status, 0)
})
for (const [what, command, status, message] of [
  ['an empty file', '$bin plan /dev/null', 1, '/dev/null is empty'],
  ['a folder', '$bin plan .', 1, 'EISDIR'],
  ['a missing file', '$bin plan missing', 1, "no such file or directory, open 'missing'"],
  ['a program', `$bin plan ${process.execPath}`, 1, 'neither JSON objects, nor CSV'],
  ['an unknown option', '$bin plan $log --size=1', 2, "Unknown option '--size'"],
  ['an unknown command', '$bin simulate $log', 2, 'Unknown command "simulate"'],
  ['no --key', 'echo {} | $bin plan -', 2, '--key must name a field'],
]) {
  test(`${what}: one line, exit code ${status}`, () => {
    const result = shell(command)
    assert.equal(result.status, status)
    assert.equal(result.stdout, '')
    assert.equal(result.stderr.split('\n').length, 2)
    assert.ok(result.stderr.includes(message), result.stderr)
  })
}
test('the chart in a browser: light and dark, and no text covers another', async (t) => {
  shell('$bin plan $log --svg=chart.svg')
  const chart = readFileSync(join(consumer, 'chart.svg'), 'utf8')
  const page = await open(consumer, `<!doctype html><body style="margin:0">${chart}`)
  t.after(page.close)
  await page.tab.setViewportSize({ width: 800, height: 600 })
  const colours = []
  for (const colorScheme of ['light', 'dark']) {
    await page.tab.emulateMedia({ colorScheme })
    colours.push(await page.tab.evaluate(coloursOf))
  }
  assert.deepEqual(colours, [
    { paper: 'rgb(255, 255, 255)', text: 'rgb(31, 35, 40)' },
    { paper: 'rgb(13, 17, 23)', text: 'rgb(230, 237, 243)' },
  ])
  const { title, texts, outside, overlaps } = await page.tab.evaluate(layoutOf)
  assert.match(title, /^Hit rate by budget: with 512M, 85\.0 % of the uses are hits/)
  assert.ok(texts.includes('recommended: 512M'))
  assert.ok(texts.includes('budget of an instance (maxSizeBytes)'))
  assert.deepEqual({ outside, overlaps }, { outside: [], overlaps: [] })
})

/* global document, getComputedStyle */
function coloursOf() {
  return {
    paper: getComputedStyle(document.querySelector('.paper')).fill,
    text: getComputedStyle(document.querySelector('svg > text')).fill,
  }
}

function layoutOf() {
  const frame = document.querySelector('svg').getBoundingClientRect()
  const texts = [...document.querySelectorAll('text')].map((element) => ({
    text: element.textContent,
    box: element.getBoundingClientRect(),
  }))
  const isInside = ({ left, right, top, bottom }) =>
    left >= frame.left && right <= frame.right && top >= frame.top && bottom <= frame.bottom
  const isOver = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
  return {
    title: document.querySelector('svg > title').textContent,
    texts: texts.map(({ text }) => text),
    outside: texts.filter(({ box }) => !isInside(box)).map(({ text }) => text),
    overlaps: texts.flatMap(({ text, box }, at) =>
      texts
        .slice(at + 1)
        .filter((other) => isOver(box, other.box))
        .map((other) => [text, other.text]),
    ),
  }
}
