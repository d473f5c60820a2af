import type { Outcome } from '../support/naive-promise.ts'
import type { Happening } from './trace.ts'

/** How often each kind of removal, refusal and failure was seen. */
export const seen = new Map<string, number>()

const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)

export function see(happening: Happening): void {
  if (happening.kind === 'left') count(happening.reason)
  else if (happening.kind === 'failed') count(`${happening.source} failed`)
  else if (happening.kind === 'threw') count(happening.error.name ?? 'a foreign error')
}

export function seeOutcome({ isFulfilled }: Outcome): void {
  count(isFulfilled ? 'load given' : 'load failed')
}
