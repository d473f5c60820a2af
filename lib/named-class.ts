/**
 * The one class in the object. Its name is that of its property, to the engine as well, and
 * minifiers rename variables and classes, but no properties.
 */
export function namedClass<Class>(classes: Readonly<Record<string, Class>>): Class {
  return Object.values(classes)[0] as Class
}
