const UNITS = ['', 'K', 'M', 'G', 'T']
const SPANS: readonly (readonly [unit: string, milliseconds: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]

export const whole = (number: number): string => number.toLocaleString('en')

/** A number of things, such as `2 keys`. */
export const counted = (number: number, name: string): string =>
  `${whole(number)} ${name}${number === 1 ? '' : 's'}`

/** A share from 0 to 1. */
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** Bytes such as `96K`, or rounded such as `1.5G`. */
export function bytesText(bytes: number): string {
  const [number, unit] = inUnits(bytes)
  return `${Number.isInteger(number) ? number : number.toFixed(1)}${unit}`
}

/** What the option `maxSizeBytes` takes. */
export function budgetText(bytes: number): string {
  const [number, unit] = inUnits(bytes)
  return Number.isInteger(number) && unit !== '' ? `'${number}${unit}'` : String(bytes)
}

function inUnits(bytes: number): [number: number, unit: string] {
  let at = 0
  while (bytes >= 1024 ** (at + 1) && at < UNITS.length - 1) at++
  return [bytes / 1024 ** at, UNITS[at] as string]
}

/** A length of time such as `20m`, or rounded such as `3.5d`. */
export function durationText(milliseconds: number): string {
  const [unit, length] = SPANS.find(([, length]) => milliseconds >= length) ?? ['ms', 1]
  return `${whole(Math.round((milliseconds / length) * 10) / 10)}${unit}`
}

/** A moment in UTC, to the second. */
export function momentText(epoch: number): string {
  return new Date(epoch).toISOString().slice(0, 19).replace('T', ' ')
}
