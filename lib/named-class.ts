/**
 * The one class in the object. The engine names it after its property, and minifiers do not rename
 * properties.
 */
export function namedClass<Class>(classes: Readonly<Record<string, Class>>): Class {
  return Object.values(classes)[0] as Class
}
