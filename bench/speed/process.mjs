// One process of the speeds: prints the nanoseconds of each subject, by count and operation.
import { measured } from './measured.mjs'
import { operations } from './operations.mjs'
import { subjects } from './subjects.mjs'

const { counts, effort } = JSON.parse(process.argv[2])
const times = {}
for (const count of counts) {
  const keys = Array.from({ length: 2 * count }, (_, i) => `key-${i}`)
  times[count] = {}
  for (const [name, operation] of Object.entries(operations)) {
    times[count][name] = await measured(subjects, operation, count, keys, effort)
    console.error(`${process.version} ${count} ${name}`)
  }
}
// Some of the peers leave a timer for each entry, so an exit must not wait for them.
process.stdout.write(JSON.stringify(times), () => process.exit())
