/** Whether promises and timers belong to a request, and end with it, as on Cloudflare Workers. */
export function isWorker(): boolean {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } }
  return navigator?.userAgent === 'Cloudflare-Workers'
}
