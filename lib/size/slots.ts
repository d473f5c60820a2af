/** A getter that throws where the internal slot that it reads is missing. */
export const getterOf = (
  prototype: object | undefined,
  name: string,
): ((this: unknown) => unknown) =>
  (prototype && Object.getOwnPropertyDescriptor(prototype, name)?.get) ?? (() => 0)

/** The value of an own property, or `undefined` if it is an accessor. */
export const dataOf = (value: unknown, name: string | symbol): unknown =>
  Object(value) === value ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined
