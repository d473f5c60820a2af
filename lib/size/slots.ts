/** A getter that throws where the internal slot that it reads is missing. */
export const getterOf = (
  prototype: object | undefined,
  name: string,
): ((this: unknown) => unknown) =>
  (prototype && Object.getOwnPropertyDescriptor(prototype, name)?.get) ?? (() => 0)
