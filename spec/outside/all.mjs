// npm run test:all -- [NAME …] runs the named steps, or all that CI runs after `npm test`. Arguments
// after a second `--` go to the step.
import { spawnSync } from 'node:child_process'
import { root } from './install.mjs'

const outside = (file) => `node --test-reporter=spec spec/outside/${file}`
const build = 'npm run --silent build'
// These specs take long, and coverage does not see the processes that they start.
const uncovered = ['spec/{eviction,freeze,process}.spec.ts', 'spec/unit/size-accuracy.spec.ts']
const exclude = uncovered.map((pattern) => `--exclude '${pattern}'`).join(' ')

const steps = {
  types: 'npm run --silent types',
  lint: 'npm run --silent lint',
  build,
  size: outside('size.test.mjs'),
  demo: 'npm run --silent demo',
  package: outside('package.test.mjs'),
  plan: `${build} && ${outside('plan.test.mjs')}`,
  keyv: outside('keyv.test.mjs'),
  redis: 'node spec/outside/redis.mjs',
  coverage: `npx vitest run --coverage ${exclude}`,
  leaks: `${build} && ${outside('leaks.test.mjs')}`,
  pressure: `${build} && ${outside('pressure.test.mjs')}`,
  outage: `${build} && ${outside('outage.test.mjs')}`,
  soak: `${build} && node spec/outside/soak.mjs --minutes=10`,
  runtimes: outside('runtimes.test.mjs'),
  model: 'MODEL_RUNS=20000 npx vitest run spec/model/ --testTimeout=1200000',
}

const words = process.argv.slice(2)
const end = words.includes('--') ? words.indexOf('--') : words.length
const names = words.slice(0, end)
const args = words.slice(end + 1)
if (names[0] === '--list') console.log(Object.keys(steps).join('\n'))
else run(names.length > 0 ? names : Object.keys(steps))

function run(names) {
  const unknown = names.filter((name) => !Object.hasOwn(steps, name))
  if (unknown.length > 0) {
    console.error(`${unknown} is not one of ${Object.keys(steps).join(', ')}`)
    process.exit(1)
  }
  const failed = names.filter((name) => {
    console.log(`\n=== ${name}`)
    const command = [steps[name], ...args].join(' ')
    return spawnSync(command, { cwd: root, shell: true, stdio: 'inherit' }).status !== 0
  })
  if (failed.length > 0) console.log(`\nfailed: ${failed.join(', ')}`)
  process.exitCode = failed.length > 0 ? 1 : 0
}
