import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { Unsubscribable } from '../support/promises.ts'
import { fulfilledWith, NaivePromise, type Outcome, rejectedWith } from './naive/promise.ts'

/** Bytes. The structure of a cache always stays below half of it. */
export const UNIT = 32_768

/** Units. More than any budget of these programs. */
export const TOO_LARGE = 9

const texts = Array.from({ length: TOO_LARGE + 1 }, (_, units) => 'x'.repeat(units * UNIT))
export const textOf = (units: number): string => texts[units] as string

/** A value that can grow in place. */
export interface Growable {
  text: string
  cannotBeMeasured?: true
}

export const isGrowable = (value: unknown): value is Growable =>
  typeof value === 'object' && value !== null && 'text' in value

/** The option `sizeOf` of half of the programs: exact, and throws for unmeasurable values. */
export function exactSize(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (!isGrowable(value)) return 0
  if (value.cannotBeMeasured) throw new Error('cannot be measured')
  return value.text.length
}

/** A value for the cache and its counterpart for the model. */
export interface ValuePair {
  readonly real: unknown
  readonly model: unknown
}

class Task<T> extends Promise<T> {}
const Foreign = runInNewContext('Promise') as PromiseConstructor
export const FAILURE = new Error('the promise rejects')
const makers = { native: Promise, subclass: Task, foreign: Foreign }

/** A promise that a step settles, with its counterpart. */
export class Deferred {
  readonly promise: Promise<unknown>
  readonly naive: NaivePromise
  fulfil!: (value: unknown) => void
  reject!: (error: unknown) => void

  constructor(maker: PromiseConstructor) {
    this.promise = new maker<unknown>((fulfil, reject) => {
      this.fulfil = fulfil
      this.reject = reject
    })
    this.naive = new NaivePromise(this.promise)
  }

  /** Rejects if there is no content. */
  settle(content: ValuePair | undefined): void {
    if (content === undefined) this.reject(FAILURE)
    else this.fulfil(content.real)
  }

  outcome(content: ValuePair | undefined): Outcome {
    return content === undefined ? rejectedWith(FAILURE) : fulfilledWith(content.model)
  }
}

export type ValueSpec = { readonly text: string; make(deferreds: Deferred[]): ValuePair }

const same = (text: string, make: () => unknown): ValueSpec => ({
  text,
  make() {
    const value = make()
    return { real: value, model: value }
  },
})

const constants = [undefined, null, 0, 1, Number.NaN, true, '', 'x', 10n, Symbol('s')]
const plain = fc.constantFrom(
  ...constants.map((value) =>
    same(typeof value === 'symbol' ? 'a symbol' : `${value}`, () => value),
  ),
)
const thenable = same('a thenable that is not a promise', () => ({
  then() {
    throw new Error('The then of a thenable was called')
  },
}))
const callable = same('a function', () => () => undefined)
export const unmeasurable = same('an unmeasurable value', () => ({
  text: '',
  cannotBeMeasured: true,
}))
const units = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 2, 3) },
  { weight: 1, arbitrary: fc.constant(TOO_LARGE) },
)
const text = units.map((count) => same(`a text of ${count} units`, () => textOf(count)))
const growable = units.map((count) =>
  same(`an object of ${count} units`, () => ({ text: textOf(count) })),
)

/** Values that promises fulfil with. */
export const contents: fc.Arbitrary<ValueSpec> = fc.oneof(
  { weight: 3, arbitrary: plain },
  { weight: 3, arbitrary: text },
  { weight: 3, arbitrary: growable },
  { weight: 1, arbitrary: fc.constant(unmeasurable) },
)

const makerNames = fc.constantFrom(...(Object.keys(makers) as (keyof typeof makers)[]))

const pending: fc.Arbitrary<ValueSpec> = makerNames.map((name) => ({
  text: `a pending ${name} promise`,
  make(deferreds) {
    const deferred = new Deferred(makers[name])
    deferreds.push(deferred)
    return { real: deferred.promise, model: deferred.naive }
  },
}))

const unsubscribable: ValueSpec = {
  text: 'a promise that cannot be subscribed to',
  make() {
    const { promise, naive } = new Deferred(Unsubscribable)
    naive.isUnsubscribable = true
    return { real: promise, model: naive }
  },
}

/** Pending promises and values other than promises: storing them starts nothing in microtasks. */
export const inertValues: fc.Arbitrary<ValueSpec> = fc.oneof(
  { weight: 4, arbitrary: plain },
  { weight: 5, arbitrary: text },
  { weight: 3, arbitrary: growable },
  { weight: 4, arbitrary: pending },
  { weight: 1, arbitrary: fc.constantFrom(thenable, callable, unmeasurable, unsubscribable) },
)

export const settledPromises: fc.Arbitrary<ValueSpec> = fc
  .tuple(makerNames, fc.option(contents, { freq: 4 }))
  .map(([name, content]) => ({
    text: content ? `a ${name} promise of ${content.text}` : `a rejected ${name} promise`,
    make(deferreds) {
      const deferred = new Deferred(makers[name])
      const value = content?.make(deferreds)
      deferred.settle(value)
      deferred.naive.outcome = deferred.outcome(value)
      deferreds.push(deferred)
      return { real: deferred.promise, model: deferred.naive }
    },
  }))
