// One operation at one size, in a process of its own: prints the nanoseconds of each subject.
import { measured } from './measured.mjs'
import { operations } from './operations.mjs'
import { subjects } from './subjects.mjs'

const { count, name, effort } = JSON.parse(process.argv[2])
// It looks through all entries for each that it evicts.
const taking = Object.entries(subjects).filter(([name]) => count < 1_000_000 || name !== 'ocache')
const keys = Array.from({ length: 2 * count }, (_, i) => `key-${i}`)
const times = await measured(Object.fromEntries(taking), operations[name], count, keys, effort)
// Some of the peers leave a timer for each entry, so an exit must not wait for them.
process.stdout.write(JSON.stringify(times), () => process.exit())
