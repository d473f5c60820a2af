import fc, { type AsyncCommand } from 'fast-check'
import { expect } from 'vitest'
import { compareCalls, compareKeys, compareTraces, compareWhole } from './check.ts'
import { type Scenario, scenarios } from './scenario.ts'
import { seen } from './events.ts'
import type { Step } from './steps/step.ts'
import { reactions, stepsBy, type Weights } from './steps/all.ts'
import { World } from './world.ts'

const { MODEL_RUNS, MODEL_SEED, MODEL_PATH, MODEL_REPLAY } = process.env
const MOST_COMMANDS = 120

/** Steps in one synchronous run, and then what they left to microtasks. */
class Command implements AsyncCommand<World, undefined> {
  readonly steps: readonly Step[]
  readonly isLookedInto: boolean

  constructor(steps: readonly Step[], isLookedInto: boolean) {
    this.steps = steps
    this.isLookedInto = isLookedInto
  }

  check(world: Readonly<World>): boolean {
    return this.steps.some((step) => isPossible(step, world as World))
  }

  async run(world: World): Promise<void> {
    world.commands++
    for (const step of this.steps) {
      if (!isPossible(step, world)) continue
      if (world.mustDrainBefore(step)) await world.drain()
      world.run(step)
      compareTraces(world)
      compareKeys(world)
    }
    await world.drain()
    compareTraces(world)
    compareCalls(world)
    compareKeys(world)
    if (this.isLookedInto) compareWhole(world)
  }

  toString(): string {
    const text = this.steps.map((step) => step.text).join('; ')
    return this.isLookedInto ? text : `${text} (unseen)`
  }
}

const isPossible = (step: Step, world: World) => step.isPossible?.(world) ?? true

const commandsBy = (weights: Weights) => {
  const bursts = fc.array(stepsBy(weights), { minLength: 1, maxLength: 3, size: 'max' })
  const commands = fc.record({ burst: bursts, unseen: fc.nat(3) }).map(({ burst, unseen }) => {
    // What has expired stays in the cache until something comes upon it, so nothing looks here.
    return new Command(burst, unseen > 0 && !burst.at(-1)?.isUnseen)
  })
  return fc.commands<World, undefined, false>([commands], {
    size: 'max',
    maxCommands: MOST_COMMANDS,
    ...(MODEL_REPLAY && { replayPath: MODEL_REPLAY }),
  })
}

async function play(scenario: Scenario, commands: Iterable<AsyncCommand<World, undefined>>) {
  const world = new World(scenario)
  try {
    await fc.asyncModelRun(() => ({ model: world, real: undefined }), commands)
    await world.drain()
    compareTraces(world)
    compareCalls(world)
    compareWhole(world)
  } finally {
    world.end()
  }
  return world.commands
}

/** What so many programs meet, whatever the seed. */
const KINDS = [
  'deleted',
  'evicted',
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
  'load given',
  'load failed',
]

const IN_TEST = 300

/**
 * Plays random programs on a cache and on the model of it. A failure prints the seed, the path and
 * the replay path: MODEL_SEED, MODEL_PATH and MODEL_REPLAY play it again. The seed is fixed, so that
 * a commit passes or fails for good; MODEL_SEED=random looks further.
 */
export async function expectPrograms(weights: Weights, fixedSeed: number): Promise<void> {
  const seed = MODEL_SEED === 'random' ? Date.now() | 0 : Number(MODEL_SEED ?? fixedSeed)
  const numRuns = MODEL_RUNS === undefined ? IN_TEST : Number(MODEL_RUNS) / 2
  const lengths: number[] = []
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', note)
  await fc.assert(
    fc.asyncProperty(scenarios(reactions), commandsBy(weights), async (scenario, commands) => {
      lengths.push(await play(scenario, commands))
      expect(unhandled).toEqual([])
    }),
    { numRuns, seed, ...(MODEL_PATH && { path: MODEL_PATH, numRuns: 1, endOnFailure: true }) },
  )
  process.off('unhandledRejection', note)
  if (MODEL_PATH) return
  lengths.sort((a, b) => a - b)
  const median = lengths[lengths.length >> 1] as number
  console.log(`${numRuns} programs by seed ${seed}, a median of ${median} commands:`, seen)
  expect(median).toBeGreaterThanOrEqual(40)
  expect(KINDS.filter((kind) => !seen.has(kind))).toEqual([])
}
