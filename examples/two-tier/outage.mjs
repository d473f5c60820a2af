const CALM_MS = 1_000

let isOut = false
let lastFailure = 0

/** An outage is one line in the log, not one a request. */
export function reportOnce(error) {
  lastFailure = Date.now()
  if (isOut) return
  isOut = true
  console.warn('The second tier does not answer:', error)
}

/** Ends an outage, unless something has failed just now: one answer is no recovery. */
export function answered() {
  if (Date.now() - lastFailure > CALM_MS) isOut = false
}

/** What the promise gives, or an error once a request has waited long enough. */
export async function within(milliseconds, promise, name) {
  let timer
  const late = new Promise((_, reject) => {
    const error = new Error(`${name} did not answer within ${milliseconds} ms`)
    timer = setTimeout(reject, milliseconds, error)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
