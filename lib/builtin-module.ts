/** A module of Node's own, without an import that other runtimes choke on; absent where there is none. */
export function builtinModule<Name extends keyof NodeModules>(
  name: Name,
): Partial<NodeModules[Name]> | undefined {
  try {
    return globalThis.process?.getBuiltinModule?.(name) as Partial<NodeModules[Name]> | undefined
  } catch {
    return
  }
}

interface NodeModules {
  'node:async_hooks': typeof import('node:async_hooks')
  'node:crypto': typeof import('node:crypto')
  'node:net': typeof import('node:net')
  'node:process': typeof import('node:process')
  'node:util': typeof import('node:util')
}
