/** Assertions for runtimes that have no test runner. */
export function equal(seen, expected, what = 'it') {
  const [a, b] = [shown(seen), shown(expected)]
  if (a !== b) throw new Error(`${what} is ${a}, not ${b}`)
}

export function ok(holds, what) {
  if (!holds) throw new Error(`false: ${what}`)
}

export function throws(run, type, what) {
  try {
    run()
  } catch (error) {
    if (error instanceof type) return error
    throw new Error(`${what} throws ${error?.name}, not ${type.name}`)
  }
  throw new Error(`${what} throws nothing`)
}

export const sleep = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds))

function shown(value) {
  if (value === undefined || typeof value === 'number') return String(value)
  return JSON.stringify(value, (_, part) => (part === undefined ? '(undefined)' : part))
}
