/** Whether this is Cloudflare Workers, where promises and timers end with their request. */
export function isWorker(): boolean {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } }
  return navigator?.userAgent === 'Cloudflare-Workers'
}
