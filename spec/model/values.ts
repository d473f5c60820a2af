import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import {
  fulfilledWith,
  NaivePromise,
  type Outcome,
  rejectedWith,
} from './naive/promise.ts'

/** So large that what a cache's own structure takes never reaches half of it. */
export const UNIT = 32_768

/** More than any budget here. */
export const TOO_LARGE = 9

const texts = Array.from({ length: TOO_LARGE + 1 }, (_, units) => 'x'.repeat(units * UNIT))
export const textOf = (units: number): string => texts[units] as string

/** A value that may grow in place. */
export interface Growable {
  text: string
  cannotBeWeighed?: true
}

export const isGrowable = (value: unknown): value is Growable =>
  typeof value === 'object' && value !== null && 'text' in value

/** The option `sizeOf` of half of the runs: exact, and not for everything. */
export function weigh(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (!isGrowable(value)) return 0
  if (value.cannotBeWeighed) throw new Error('cannot be weighed')
  return value.text.length
}

/** What a cache is given, and what stands for it in the model. */
export interface Twin {
  readonly real: unknown
  readonly model: unknown
}

class Task<T> extends Promise<T> {}
class Hostile<T> extends Promise<T> {
  static override get [Symbol.species](): PromiseConstructor {
    throw new Error('no subscriber')
  }
}
const Foreign = runInNewContext('Promise') as PromiseConstructor
const FAILURE = new Error('the load failed')
const makers = { native: Promise, subclass: Task, foreign: Foreign }

/** A promise that the program settles when it likes. */
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

  /** With no content it rejects. */
  settle(content: Twin | undefined): void {
    if (content === undefined) this.reject(FAILURE)
    else this.fulfil(content.real)
  }

  outcome(content: Twin | undefined): Outcome {
    return content === undefined ? rejectedWith(FAILURE) : fulfilledWith(content.model)
  }
}

export type ValueSpec = { readonly text: string; make(deferreds: Deferred[]): Twin }

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
const thenable = same('a thenable', () => ({
  then() {
    throw new Error('The then of a thenable was called')
  },
}))
const callable = same('a function', () => () => undefined)
export const unweighable = same('what cannot be weighed', () => ({
  text: '',
  cannotBeWeighed: true,
}))
const units = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 2, 3) },
  { weight: 1, arbitrary: fc.constant(TOO_LARGE) },
)
const text = units.map((count) => same(`a text of ${count}`, () => textOf(count)))
const growable = units.map((count) =>
  same(`an object of ${count}`, () => ({ text: textOf(count) })),
)

/** What a promise may fulfil with. */
export const contents: fc.Arbitrary<ValueSpec> = fc.oneof(
  { weight: 3, arbitrary: plain },
  { weight: 3, arbitrary: text },
  { weight: 3, arbitrary: growable },
  { weight: 1, arbitrary: fc.constant(unweighable) },
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

const hostile: ValueSpec = {
  text: 'a promise that cannot be subscribed to',
  make() {
    const { promise, naive } = new Deferred(Hostile)
    naive.isHostile = true
    return { real: promise, model: naive }
  },
}

/** What has not settled yet, or is no promise. */
export const quietValues: fc.Arbitrary<ValueSpec> = fc.oneof(
  { weight: 4, arbitrary: plain },
  { weight: 5, arbitrary: text },
  { weight: 3, arbitrary: growable },
  { weight: 4, arbitrary: pending },
  { weight: 1, arbitrary: fc.constantFrom(thenable, callable, unweighable, hostile) },
)

export const settledPromises: fc.Arbitrary<ValueSpec> = fc
  .tuple(makerNames, fc.option(contents, { freq: 4 }))
  .map(([name, content]) => ({
    text: content ? `a ${name} promise of ${content.text}` : `a rejected ${name} promise`,
    make(deferreds) {
      const deferred = new Deferred(makers[name])
      const twin = content?.make(deferreds)
      deferred.settle(twin)
      deferred.naive.outcome = deferred.outcome(twin)
      deferreds.push(deferred)
      return { real: deferred.promise, model: deferred.naive }
    },
  }))
