// npm run test:mutation -- [--update] [PATTERN …] breaks the library in thousands of ways, one at a
// time, and fails if the specs miss a way that survivors.tsv does not list. Patterns such as
// 'lib/table/*.ts' limit the files. `--update` rewrites the rows of the files that were run.
//
// MUTATION_ONLY=hooks,size runs those specs alone, and MUTATION_WITHOUT=hooks leaves specs out: both
// are quicker, and more mutants survive. A whole run takes about an hour on one idle core.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { installed, root } from '../outside/install.mjs'

const baseline = join(root, 'spec/mutation/survivors.tsv')
const isUpdate = process.argv.includes('--update')
const patterns = process.argv.slice(2).filter((argument) => argument !== '--update')

const stryker = join(installed('stryker'), 'node_modules/@stryker-mutator/core/bin/stryker.js')
const mutate = patterns.length > 0 ? ['--mutate', patterns.join(',')] : []
const args = [stryker, 'run', 'spec/mutation/stryker.config.json', ...mutate]
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
if (status !== 0) process.exit(1)

// The report also has the files of earlier runs.
const report = JSON.parse(readFileSync(join(root, '.cache/stryker/mutation.json'), 'utf8'))
const files = Object.entries(report.files).filter(
  ([file]) => patterns.length === 0 || patterns.some((pattern) => matchesGlob(file, pattern)),
)
const survivors = files.flatMap(([file, { source, mutants }]) =>
  mutants
    .filter((mutant) => mutant.status === 'Survived' || mutant.status === 'NoCoverage')
    .map(({ location, replacement }) => ({
      file: file.replace('lib/', ''),
      line: location.start.line,
      code: short(textAt(source, location)),
      replacement: short(replacement),
    })),
)
const rows = readFileSync(baseline, 'utf8')
  .trimEnd()
  .split('\n')
  .map((row) => {
    const [file, code, replacement, reason] = row.split('\t')
    return { file, code, replacement, reason }
  })

const wasRun = new Set(files.map(([file]) => file.replace('lib/', '')))
const isGone = ({ file }) => !existsSync(join(root, 'lib', file))
const unmatched = rows.filter((row) => wasRun.has(row.file) || isGone(row))
const unexpected = survivors.filter((survivor) => {
  const at = unmatched.findIndex((row) => keyOf(row) === keyOf(survivor))
  if (at >= 0) unmatched.splice(at, 1)
  return at < 0
})

if (isUpdate) update()
else {
  for (const row of unmatched) console.log(`no longer survives: ${keyOf(row)}`)
  for (const survivor of unexpected) {
    console.log(`survives, and is new: ${keyOf(survivor)}, line ${survivor.line}`)
  }
  console.log(`${unexpected.length} new survivors, ${unmatched.length} rows without one`)
  process.exitCode = unexpected.length > 0 ? 1 : 0
}

/** A survivor keeps the reason of its code in the same file, or in a file that no longer exists. */
function update() {
  const reasonOf = ({ file, code, replacement }) => {
    const same = rows.filter((row) => row.code === code && row.replacement === replacement)
    return (same.find((row) => row.file === file) ?? same.find(isGone))?.reason ?? 'open'
  }
  const kept = rows.filter((row) => !wasRun.has(row.file) && !isGone(row))
  const found = survivors.map((survivor) => ({ ...survivor, reason: reasonOf(survivor) }))
  const lines = [...kept, ...found]
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0))
    .map(({ file, code, replacement, reason }) => [file, code, replacement, reason].join('\t'))
  writeFileSync(baseline, `${lines.join('\n')}\n`)
  const open = found.filter(({ reason }) => reason === 'open')
  console.log(`${lines.length} rows, ${open.length} of them new and without a reason ("open")`)
}

function keyOf({ file, code, replacement }) {
  return `${file}: ${code} → ${replacement}`
}

/** The code of a mutant without its line breaks; 60 characters are enough to find it. */
function short(code) {
  return code.replace(/\s+/g, ' ').trim().slice(0, 60)
}

function textAt(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  lines.push(lines.pop().slice(0, end.column - 1))
  lines[0] = lines[0].slice(start.column - 1)
  return lines.join('\n')
}
