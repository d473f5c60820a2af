const QUIET_MS = 1_000

let isOut = false
let lastFailure = 0

/** Logs the first failure of an outage, so that an outage is one line in the log. */
export function reportOnce(error) {
  lastFailure = Date.now()
  if (isOut) return
  isOut = true
  console.warn('The second tier does not answer:', error)
}

/** Ends the outage if the last failure was a while ago: one answer between failures is no recovery. */
export function noteAnswer() {
  if (Date.now() - lastFailure > QUIET_MS) isOut = false
}

/** Settles as the promise does, or rejects after `milliseconds`. */
export async function withTimeout(milliseconds, promise, name) {
  let timer
  const timeout = new Promise((_, reject) => {
    const error = new Error(`${name} did not answer within ${milliseconds} ms`)
    timer = setTimeout(reject, milliseconds, error)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
