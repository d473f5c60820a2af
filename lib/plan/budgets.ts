import { enoughOf } from '../advisor/report.ts'
import type { Point } from './fleet.ts'

/** From 16K to 32G. */
export const POWERS_OF_TWO: readonly number[] = Array.from(
  { length: 22 },
  (_, at) => 2 ** (14 + at),
)

const MOST_ROWS = 12
/** A hit rate that differs by less is the same. */
const FLAT = 0.0005

/** Without the budgets that cache nothing, and those that bring nothing more. */
export function worthShowing(points: readonly Point[]): readonly Point[] {
  const flat = (points.at(-1) as Point).hitRate
  const beforeFlat = points.findLastIndex(({ hitRate }) => Math.abs(hitRate - flat) >= FLAT)
  const last = Math.min(beforeFlat + 1, points.length - 1)
  const first = points.findIndex(({ hitRate }) => hitRate >= FLAT)
  return points.slice(Math.max(first, last + 1 - MOST_ROWS, 0), last + 1)
}

/** The smallest budget that is enough; `undefined` without hits. */
export function recommendedOf(points: readonly Point[]): Point | undefined {
  return points.some(({ hitRate }) => hitRate > 0) ? enoughOf(points) : undefined
}
