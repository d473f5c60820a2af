import { expect, vi } from 'vitest'

/** A promise that the spec settles. Node 20 has no `Promise.withResolvers`. */
export function deferred<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** Resolves in the next turn of the event loop, when all microtasks have run. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A promise whose species throws, so that subscribing to it fails. */
export class Unsubscribable<T> extends Promise<T> {
  static override get [Symbol.species](): PromiseConstructor {
    throw new Error('no subscriber')
  }
}

/** Runs an act and checks that no promise rejects without a handler. */
export async function expectNoUnhandledRejection(act: () => unknown): Promise<void> {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  try {
    await act()
    await nextTurn()
    await nextTurn()
  } finally {
    process.off('unhandledRejection', unhandled)
  }
  expect(unhandled).not.toHaveBeenCalled()
}
