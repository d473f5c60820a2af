import { setTimeout as pause } from 'node:timers/promises'

const HOUR = 3_600_000
const A_MINUTE = 60_000
const A_SECOND = 1000

/**
 * Each gives, of every cache, a list of `[served, whether it should be]`. What should be is by the
 * rule that an entry is served until its TTL has passed, and not after, whatever the clocks did.
 */
export const scenarios = {
  'frozen for an hour, monotonic clock stopped; TTL 1 minute': async (subject) => {
    const before = await subject.ask('write', A_MINUTE)
    subject.setWallClock('+1h')
    const after = await subject.ask('read')
    await requireStep(subject, before, HOUR)
    return [[after, false]]
  },
  'frozen by SIGSTOP for 2 seconds; TTL 1 second': async (subject) => {
    await subject.ask('write', A_SECOND)
    await subject.freeze(2 * A_SECOND)
    return [[await subject.ask('read'), false]]
  },
  'clock set back an hour; TTL 1 second': async (subject) => {
    const before = await subject.ask('write', A_SECOND)
    subject.setWallClock('-1h')
    const soon = await subject.ask('read')
    await requireStep(subject, before, -HOUR)
    await pause(1.5 * A_SECOND)
    return [
      [soon, true],
      [await subject.ask('read'), false],
    ]
  },
  'clock an hour ahead when written, then put right; TTL 1 second': async (subject) => {
    subject.setWallClock('+1h')
    const before = await subject.ask('write', A_SECOND)
    subject.setWallClock('+0')
    const soon = await subject.ask('read')
    await requireStep(subject, before, -HOUR)
    await pause(1.5 * A_SECOND)
    return [
      [soon, true],
      [await subject.ask('read'), false],
    ]
  },
  'clock set back an hour, seen so, then put right; TTL 1 minute': async (subject) => {
    await subject.ask('write', A_MINUTE)
    subject.setWallClock('-1h')
    const back = await subject.ask('read')
    subject.setWallClock('+0')
    return [
      [back, true],
      [await subject.ask('read'), true],
    ]
  },
}

/** Without this a runtime that faketime does not reach would look well. */
async function requireStep(subject, before, expected) {
  const now = await subject.ask('clocks')
  const wall = now.wall - before.wall
  const monotonic = now.monotonic - before.monotonic
  if (Math.abs(wall - expected) > 5000 || monotonic < 0 || monotonic > 5000) {
    throw new Error(
      `The clocks did not obey: wall moved ${wall} ms instead of ${expected}, monotonic ${monotonic} ms`,
    )
  }
}
