// Runs one operation on one subject, so many batches of it, once the engine has compiled it.
import { prepared } from './measured.mjs'
import { operations } from './operations.mjs'
import { subjects } from './subjects.mjs'

const WARM = 400
const COUNT = 1000
const [, , subject, operation, batches] = process.argv
const keys = Array.from({ length: 2 * COUNT }, (_, i) => `key-${i}`)
const { batch } = prepared(subjects[subject], operations[operation], COUNT, keys)
for (let i = 0; i < WARM + Number(batches); i++) batch()
process.exit()
