import fc, { type AsyncCommand } from 'fast-check'
import { expect } from 'vitest'
import { compareCalls, compareKeys, compareLoads, compareTraces, compareWhole } from './check.ts'
import { eventCounts } from './events.ts'
import { type Scenario, scenarios } from './scenario.ts'
import { hookSteps, stepsBy, type Weights } from './steps/all.ts'
import type { Step } from './steps/step.ts'
import { World } from './world.ts'

const { MODEL_RUNS, MODEL_SEED, MODEL_PATH, MODEL_REPLAY } = process.env
const MAX_COMMANDS = 120

/** Up to three steps in one synchronous run, followed by all microtasks. */
class Command implements AsyncCommand<World, undefined> {
  readonly steps: readonly Step[]
  readonly isChecked: boolean

  constructor(steps: readonly Step[], isChecked: boolean) {
    this.steps = steps
    this.isChecked = isChecked
  }

  check(world: Readonly<World>): boolean {
    return this.steps.some((step) => isPossible(step, world as World))
  }

  async run(world: World): Promise<void> {
    world.commands++
    for (const step of this.steps) {
      if (!isPossible(step, world)) continue
      if (world.mustDrainBefore(step)) await world.drain()
      const { passes, freezes = false } = step
      const end = world.clock.time + (passes ?? 0)
      // Only then, since microtasks run meanwhile.
      if (passes !== undefined && world.hasTimersUntil(end)) await world.passTimers(end, freezes)
      else world.run(step)
      compareTraces(world)
      compareKeys(world)
    }
    await world.drain()
    compareTraces(world)
    compareCalls(world)
    compareLoads(world)
    compareKeys(world)
    if (this.isChecked) compareWhole(world)
  }

  toString(): string {
    const text = this.steps.map((step) => step.text).join('; ')
    return this.isChecked ? text : `${text} (unchecked)`
  }
}

const isPossible = (step: Step, world: World) => step.isPossible?.(world) ?? true

const commandsBy = (weights: Weights) => {
  const bursts = fc.array(stepsBy(weights), { minLength: 1, maxLength: 3, size: 'max' })
  const commands = fc.record({ burst: bursts, check: fc.nat(3) }).map(({ burst, check }) => {
    // A check removes expired entries. Every fourth is skipped, so that other calls find some.
    return new Command(burst, check > 0 && !burst.at(-1)?.skipsCheck)
  })
  return fc.commands<World, undefined, false>([commands], {
    size: 'max',
    maxCommands: MAX_COMMANDS,
    ...(MODEL_REPLAY && { replayPath: MODEL_REPLAY }),
  })
}

async function run(
  scenario: Scenario,
  commands: Iterable<AsyncCommand<World, undefined>>,
  isAdvised: boolean,
) {
  const world = new World(scenario, isAdvised)
  try {
    await fc.asyncModelRun(() => ({ model: world, real: undefined }), commands)
    await world.drain()
    compareTraces(world)
    compareCalls(world)
    compareWhole(world)
    world.endAdvice()
    compareWhole(world)
  } finally {
    world.end()
  }
  return world.commands
}

/** The kinds of events that the programs must reach, whatever the seed. */
const KINDS = [
  'deleted',
  'evicted',
  'evicted under pressure',
  'expired',
  'replaced',
  'cleared',
  'rejected',
  'DataTooLargeError',
  'KeyError',
  'TypeError',
  'RangeError',
  'onDelete failed',
  'promise failed',
  'sizeOf failed',
  'sweep failed',
  'ttl failed',
  'load fulfilled',
  'load rejected',
]

const DEFAULT_RUNS = 300
/** So many programs reach each outcome of a load often. */
const LONG_RUNS = 10_000

/**
 * Runs random programs on a cache and its model. A failure prints the seed, the path and the replay
 * path; MODEL_SEED, MODEL_PATH and MODEL_REPLAY run that program again. The seed is fixed, so that a
 * commit passes or fails every time; MODEL_SEED=random tries other programs. The programs must reach
 * each of `KINDS`, or each of the given outcomes, which a long run must reach 500 times.
 * `isAdvised`: each cache with a budget has an advisor, and must behave like the model all the same.
 */
export async function expectPrograms(
  weights: Weights,
  fixedSeed: number,
  { outcomes, isAdvised = false }: { outcomes?: readonly string[]; isAdvised?: boolean } = {},
): Promise<void> {
  const seed = MODEL_SEED === 'random' ? Date.now() | 0 : Number(MODEL_SEED ?? fixedSeed)
  const numRuns = MODEL_RUNS === undefined ? DEFAULT_RUNS : Number(MODEL_RUNS) / 2
  const lengths: number[] = []
  const unhandled: unknown[] = []
  const record = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', record)
  await fc.assert(
    fc.asyncProperty(scenarios(hookSteps), commandsBy(weights), async (scenario, commands) => {
      unhandled.length = 0
      lengths.push(await run(scenario, commands, isAdvised))
      expect(unhandled).toEqual([])
    }),
    { numRuns, seed, ...(MODEL_PATH && { path: MODEL_PATH, numRuns: 1, endOnFailure: true }) },
  )
  process.off('unhandledRejection', record)
  if (MODEL_PATH) return
  lengths.sort((a, b) => a - b)
  const median = lengths[lengths.length >> 1] as number
  if (MODEL_RUNS !== undefined) {
    console.log(`${numRuns} programs by seed ${seed}, a median of ${median} commands:`, eventCounts)
  }
  expect(median).toBeGreaterThanOrEqual(40)
  const least = outcomes !== undefined && numRuns >= LONG_RUNS ? 500 : 1
  const rare = (outcomes ?? KINDS).filter((kind) => (eventCounts.get(kind) ?? 0) < least)
  expect(rare).toEqual([])
}
