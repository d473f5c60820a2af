import { FUNCTION } from './layout.ts'
import { visitNames } from './objects.ts'
import { dataOf } from './slots.ts'
import type { Walk } from './walk.ts'

const sourceOf = Function.prototype.toString

/** A program keeps its classes by itself, so one counts as a reference. */
export function visitFunction(walk: Walk, value: object): void {
  if (isClass(value)) return
  walk.bytes += FUNCTION
  visitNames(walk, value)
}

export const isWrittenAsClass = (value: object): boolean => sourceOf.call(value).startsWith('class')

function isClass(value: object): boolean {
  if (!Object.hasOwn(value, 'prototype')) return false
  if (isWrittenAsClass(value)) return true
  // The engine makes the prototype of a function when it is first asked for: 290 bytes. A function
  // that holds nothing is not asked.
  if (Object.keys(value).length === 0) return false
  return Reflect.ownKeys(Object(dataOf(value, 'prototype'))).length > 1
}
