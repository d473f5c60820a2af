import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const relativeSpecifier = /((?:from|import)\s*\(?\s*['"])(\.{1,2}\/[^'"]+)\.ts(['"])/g
const entryPoints = ['index', 'payload', 'keyv', 'advisor']

rmSync(join(root, 'dist'), { recursive: true, force: true })
// Bundlers read ESM, and warn of a source map without its sources. Node needs no sources.
await bundle(entryPoints, { format: 'esm', sourcesContent: true })
await bundle(entryPoints, { format: 'cjs', outExtension: { '.js': '.cjs' } })
// The command of the package, without declarations: no program imports it.
await bundle(['plan'], { format: 'esm', platform: 'node' })
chmodSync(join(root, 'dist/plan.js'), 0o755)
for (const name of entryPoints) exportOwnNamesOnly(join(root, 'dist', `${name}.cjs`))
declareTypes()

/**
 * The build is readable without its source map: it keeps names and whitespace. Lines are short,
 * because Node prints the whole line that threw an uncaught error. `minifySyntax` inlines constants.
 */
function bundle(names, options) {
  return build({
    absWorkingDir: root,
    entryPoints: names.map((name) => `./lib/${name}.ts`),
    outdir: 'dist',
    bundle: true,
    packages: 'external',
    platform: 'neutral',
    target: 'es2022',
    minifySyntax: true,
    sourcemap: 'linked',
    sourcesContent: false,
    lineLimit: 120,
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
  })
}

/** esbuild uses `for in`, which would also export what a program added to `Object.prototype`. */
function exportOwnNamesOnly(path) {
  const text = readFileSync(path, 'utf8')
  const [before, after, ...more] = text.split('for (var name in all)')
  if (after === undefined || more.length > 0) throw new Error(`${path} exports in another way`)
  writeFileSync(path, `${before}for (var name of Object.keys(all))${after}`)
}

function declareTypes() {
  const tsc = createRequire(import.meta.url).resolve('typescript/package.json')
  const { bin } = JSON.parse(readFileSync(tsc, 'utf8'))
  execFileSync(process.execPath, [join(dirname(tsc), bin.tsc), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
  const types = join(root, 'dist/types')
  const declared = new Map(
    readdirSync(types, { recursive: true })
      .filter((name) => name.endsWith('.d.ts'))
      .map((name) => [join(types, name), readFileSync(join(types, name), 'utf8')]),
  )
  for (const path of declared.keys()) rmSync(path)
  for (const path of reachable(declared, types)) {
    const text = withItsLibraries(declared.get(path))
    const name = relative(types, path).replace(/\.d\.ts$/, '')
    const hasOwn = (path) => namesPackage(declared, path)
    // The builds share their types, so that each accepts the dictionaries of the other. A package that is
    // named in a declaration has types of its own for each build.
    if (hasOwn(path)) writeFileSync(path, specifiersFor('js', text, path, hasOwn))
    else if (entryPoints.includes(name)) writeFileSync(path, `export * from './${name}.cjs'\n`)
    writeFileSync(path.replace(/\.d\.ts$/, '.d.cts'), specifiersFor('cjs', text, path))
  }
}

/** `hasOwn` tells which files are there with the extension; the others end in `.cjs`. */
function specifiersFor(extension, text, path, hasOwn = () => true) {
  return text.replace(relativeSpecifier, (_match, before, specifier, after) => {
    const target = join(dirname(path), `${specifier}.d.ts`)
    return `${before}${specifier}.${hasOwn(target) ? extension : 'cjs'}${after}`
  })
}

/** Whether a declaration, or one that it imports, imports a package. */
function namesPackage(declared, path, seen = new Set()) {
  if (seen.has(path)) return false
  seen.add(path)
  const text = declared.get(path)
  if (/(?:from|import)\s*\(?\s*['"][^.'"]/.test(text)) return true
  return [...text.matchAll(relativeSpecifier)].some(([, , specifier]) =>
    namesPackage(declared, join(dirname(path), `${specifier}.d.ts`), seen),
  )
}

/** The declarations that an entry point imports, directly or not; a consumer needs no others. */
function reachable(declared, types) {
  const found = new Set()
  const visit = (path) => {
    if (found.has(path)) return
    if (!declared.has(path)) throw new Error(`No declaration was made of ${relative(root, path)}`)
    found.add(path)
    for (const [, , specifier] of declared.get(path).matchAll(relativeSpecifier)) {
      visit(join(dirname(path), `${specifier}.d.ts`))
    }
  }
  for (const name of entryPoints) visit(join(types, `${name}.d.ts`))
  return found
}

/** A consumer's own `lib` may lack the disposables that these declarations mention. */
function withItsLibraries(text) {
  const reference = '/// <reference lib="esnext.disposable" />\n'
  return /\bSymbol\.dispose\b|\bDisposable\b/.test(text) ? reference + text : text
}
