import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join, normalize } from 'node:path'
import { installed } from '../install.mjs'
import { bundledDependency, MEBIBYTE } from './conform.mjs'

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function chromium(consumer) {
  const imports = {
    'faas-cache-dict': '/node_modules/faas-cache-dict/dist/index.js',
    'faas-cache-dict/payload': '/node_modules/faas-cache-dict/dist/payload.js',
    'object-sizeof': `/${await bundledDependency(consumer)}`,
  }
  const page = await open(
    consumer,
    `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
  const { answer } = await import('/conformance/index.mjs')
  globalThis.answer = answer
</script>`,
  )
  await page.tab.waitForFunction('globalThis.answer')
  return {
    version: page.version,
    expects: { defaultBudget: 32 * MEBIBYTE },
    ask: (name) => page.tab.evaluate((name) => globalThis.answer(name), name),
    close: page.close,
  }
}

/** Opens a page in headless Chromium, which can import the files of a folder. */
export async function open(folder, html, flags = []) {
  const { chromium } = createRequire(join(installed('chromium'), 'package.json'))('playwright-core')
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, 'http://page').pathname)
    if (path === '/') return response.setHeader('content-type', 'text/html').end(html)
    try {
      const text = await readFile(join(folder, path))
      response.setHeader('content-type', 'text/javascript').end(text)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const browser = await chromium.launch({
    executablePath: executable(),
    args: [...quiet, ...flags],
  })
  const tab = await browser.newPage()
  tab.on('pageerror', (error) => console.log(`in the page: ${error}`))
  await tab.goto(`http://127.0.0.1:${server.address().port}/`)
  return {
    tab,
    version: browser.version(),
    close: async () => {
      await browser.close()
      server.close()
    },
  }
}

function executable() {
  const { stdout } = spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' })
  if (stdout === '') throw new Error('Chromium is not installed: apt-get install chromium')
  return stdout.trim()
}
