import { builtinModule } from '../engine.ts'

// How to look at a value without running its code.

let proxyTest: ((value: unknown) => boolean | undefined) | undefined

/** `undefined` if the engine cannot tell. */
export function isProxy(value: object): boolean | undefined {
  proxyTest ??= builtinModule('node:util')?.types?.isProxy ?? (() => undefined)
  return proxyTest(value)
}

/** A getter that throws if the value lacks the internal slot that the getter reads. */
export const getterOf = (
  prototype: object | undefined,
  name: string,
): ((this: unknown) => unknown) =>
  (prototype && Object.getOwnPropertyDescriptor(prototype, name)?.get) ?? (() => 0)

/** The value of an own property, or `undefined` if the property is an accessor. */
export const dataOf = (value: unknown, name: PropertyKey): unknown =>
  Object(value) === value ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined
