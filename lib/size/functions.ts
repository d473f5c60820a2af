import { FUNCTION } from './layout.ts'
import { visitNames } from './objects.ts'
import { dataOf } from './slots.ts'
import type { Walk } from './walk.ts'

const sourceOf = Function.prototype.toString

/** A class counts as a reference, since the program keeps it anyway. */
export function visitFunction(walk: Walk, value: object): void {
  if (isClass(value)) return
  walk.bytes += FUNCTION
  visitNames(walk, value)
}

const isWrittenAsClass = (value: object): boolean => sourceOf.call(value).startsWith('class')

/** Whether a plain function made the instances, as in decimal.js, protobufjs and mongoose. */
export function isMadeByFunction(prototype: object): boolean {
  const maker = dataOf(prototype, 'constructor')
  return typeof maker === 'function' && !isWrittenAsClass(maker)
}

function isClass(value: object): boolean {
  if (!Object.hasOwn(value, 'prototype')) return false
  if (isWrittenAsClass(value)) return true
  // Reading the prototype of a function makes the engine create it: 290 bytes. So a function without
  // properties is not asked.
  if (Object.keys(value).length === 0) return false
  return Reflect.ownKeys(Object(dataOf(value, 'prototype'))).length > 1
}
