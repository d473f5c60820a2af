type Process = {
  readonly versions?: Readonly<Record<string, string | undefined>>
  readonly getBuiltinModule?: unknown
}

/** Throws on a Node that cannot tell what the library stands on: its heap, and what is a promise. */
export function requireSupportedNode(process: Process | undefined = globalThis.process): void {
  if (process === undefined || process.getBuiltinModule !== undefined) return
  const { node, bun, deno } = process.versions ?? {}
  if (node === undefined || bun !== undefined || deno !== undefined) return
  throw new Error(`faas-cache-dict needs Node 20.19 or later; this is Node ${node}`)
}
