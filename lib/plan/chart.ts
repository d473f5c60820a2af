import { bytesText, percent, whole } from '../figures.ts'
import type { Point } from './fleet.ts'

const WIDTH = 720
const HEIGHT = 440
const LEFT = 64
const RIGHT = 24
const TOP = 112
const BOTTOM = 60
const PLOT_WIDTH = WIDTH - LEFT - RIGHT
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM
const INSET = 24
const TICK_WIDTH = 48
const MOST_CHARACTERS = 100

// Blue and vermilion, which readers with any kind of colour vision can tell apart. One line is dashed, too.
const STYLE = `svg{color:#1f2328;--paper:#fff;--uses:#0072b2;--bytes:#d55e00}
@media(prefers-color-scheme:dark){svg{color:#e6edf3;--paper:#0d1117;--uses:#56b4e9;--bytes:#f0883e}}
.paper{fill:var(--paper)}text{fill:currentColor}.quiet{opacity:.7}.grid{stroke:currentColor;stroke-opacity:.12}
.line{fill:none;stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round}
.uses{stroke:var(--uses)}.bytes{stroke:var(--bytes);stroke-dasharray:2 6}
.dot{fill:var(--uses);stroke:var(--paper);stroke-width:1.5}.square{fill:var(--bytes);stroke:var(--paper);stroke-width:1.5}
.area{fill:var(--uses);fill-opacity:.1}.best{stroke:currentColor;stroke-dasharray:4 4;stroke-opacity:.6}`

type X = (point: Point) => number

/** An SVG with the hit rate by budget. */
export function chartOf(
  points: readonly Point[],
  recommended: Point | undefined,
  about: string,
): string {
  const x = scaleOf(points)
  const marked = recommended === undefined ? '' : recommendationOf(recommended, x)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>${summaryOf(points, recommended)}</title>
<style>${STYLE}</style>
<rect width="100%" height="100%" class="paper"/>
<text x="16" y="28" font-size="16" font-weight="600">Hit rate by budget</text>
<text x="16" y="48" class="quiet">${escaped(short(about))}</text>
${LEGEND}
${axesOf(points, x)}
${marked}${linesOf(points, x)}
</svg>
`
}

/** For a screen reader. */
function summaryOf(points: readonly Point[], recommended: Point | undefined): string {
  const shown = [recommended, points.at(-1)].filter((point) => point !== undefined)
  const rates = shown.map(
    ({ maxSizeBytes, hitRate }) =>
      `with ${bytesText(maxSizeBytes)}, ${percent(hitRate)} of the uses are hits`,
  )
  return `Hit rate by budget: ${[...new Set(rates)].join('; ')}.`
}

const LEGEND = `<path class="line uses" d="M16,68h28"/><circle class="dot" cx="30" cy="68" r="4"/>
<text x="52" y="72">share of uses that are hits</text>
<path class="line bytes" d="M236,68h28"/><rect class="square" x="246.5" y="64.5" width="7" height="7"/>
<text x="272" y="72">share of bytes that the origin does not send</text>`

function axesOf(points: readonly Point[], x: X): string {
  const rates = [0, 0.25, 0.5, 0.75, 1].map(
    (rate) => `<path class="grid" d="M${LEFT},${y(rate)}H${WIDTH - RIGHT}"/>
<text x="${LEFT - 8}" y="${y(rate) + 4}" text-anchor="end">${rate * 100} %</text>`,
  )
  return `${rates.join('\n')}
<text transform="translate(16 ${TOP + PLOT_HEIGHT / 2}) rotate(-90)" text-anchor="middle">share from the cache</text>
<text x="${LEFT + PLOT_WIDTH / 2}" y="${HEIGHT - 14}" text-anchor="middle">budget of an instance (maxSizeBytes)</text>
${ticksOf(points, x)}`
}

function recommendationOf(point: Point, x: X): string {
  const at = round(x(point))
  const isRight = at > LEFT + PLOT_WIDTH / 2
  return `<path class="best" d="M${at},${y(0)}V${y(1) - 6}"/>
<text x="${isRight ? at + 6 : at - 6}" y="${y(1) - 10}" text-anchor="${isRight ? 'end' : 'start'}" font-weight="600">recommended: ${bytesText(point.maxSizeBytes)}</text>
`
}

function linesOf(points: readonly Point[], x: X): string {
  const pathOf = (rate: (point: Point) => number) =>
    points.map((point) => `${round(x(point))},${round(y(rate(point)))}`).join(' ')
  const uses = pathOf(({ hitRate }) => hitRate)
  const bytes = pathOf(({ byteHitRate }) => byteHitRate)
  const [first, last] = [points[0] as Point, points.at(-1) as Point]
  return `<path class="area" d="M${round(x(first))},${y(0)}L${uses} ${round(x(last))},${y(0)}Z"/>
<polyline class="line bytes" points="${bytes}"/>
<polyline class="line uses" points="${uses}"/>
${points.map((point) => marksOf(point, x(point))).join('\n')}`
}

/** Budgets on a logarithmic axis. */
function scaleOf(points: readonly Point[]): X {
  const log = ({ maxSizeBytes }: Point) => Math.log2(maxSizeBytes)
  const least = log(points[0] as Point)
  const range = log(points.at(-1) as Point) - least
  return (point) =>
    LEFT + INSET + (range === 0 ? 0.5 : (log(point) - least) / range) * (PLOT_WIDTH - 2 * INSET)
}

function y(rate: number): number {
  return TOP + PLOT_HEIGHT * (1 - rate)
}

/** Names of the budgets that do not overlap the one before. */
function ticksOf(points: readonly Point[], x: X): string {
  let end = -Infinity
  const named = points.filter((point) => {
    if (x(point) < end) return false
    end = x(point) + TICK_WIDTH
    return true
  })
  return named
    .map(
      (point) =>
        `<text x="${round(x(point))}" y="${y(0) + 18}" text-anchor="middle">${bytesText(point.maxSizeBytes)}</text>`,
    )
    .join('\n')
}

function marksOf(point: Point, x: number): string {
  const { maxSizeBytes, hitRate, byteHitRate, originCalls, originBytes } = point
  const text = `${bytesText(maxSizeBytes)}: ${percent(hitRate)} hits, ${whole(originCalls)} origin calls, ${bytesText(originBytes)} from the origin`
  return `<g><title>${text}</title><rect class="square" x="${round(x - 3.5)}" y="${round(y(byteHitRate) - 3.5)}" width="7" height="7"/><circle class="dot" cx="${round(x)}" cy="${round(y(hitRate))}" r="4.5"/></g>`
}

function round(number: number): number {
  return Math.round(number * 10) / 10
}

/** The end of a text that does not fit the width. */
function short(text: string): string {
  return text.length > MOST_CHARACTERS ? `…${text.slice(1 - MOST_CHARACTERS)}` : text
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
}
