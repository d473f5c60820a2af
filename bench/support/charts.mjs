import { tool } from './process.mjs'

/** A colour-blind reader can tell them apart, on light and on dark. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73']
const WIDTH = 760
const THEME =
  'svg{color:#1f2328}.background{fill:#fff}@media(prefers-color-scheme:dark){svg{color:#e6edf3}.background{fill:#0d1117}}'

/**
 * A picture by Observable Plot, as the text of an SVG.
 *
 * @param title - names what is shown; it is drawn, and a screen reader reads it
 * @param result - states what to see in it, for a screen reader
 * @param legend - names, each in its colour
 * @param panels - Plot's options for one or more plots, one below the other
 * @param glyphs - one before each name of the legend
 */
async function picture(title, result, legend, panelsOf, glyphs = '●●●') {
  const Plot = await tool('@observablehq/plot')
  const { parseHTML } = await tool('linkedom')
  const { document } = parseHTML('<html><body></body></html>')
  let height = legend.length > 0 ? 52 : 32
  const panels = panelsOf(Plot).map((options) => {
    const plot = Plot.plot({ width: WIDTH, ...options, document })
    plot.setAttribute('y', height)
    height += Number(plot.getAttribute('height'))
    return plot.outerHTML.replace(/<style>.*?<\/style>/s, '')
  })
  const names = legend.map(
    (name, at) => `<tspan x="${12 + at * 150}" fill="${COLOURS[at]}">${glyphs[at]} ${name}</tspan>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif">
<title>${title}. ${result}</title>
<style>${THEME}</style>
<rect width="100%" height="100%" class="background"/>
<text x="12" y="22" font-size="14" font-weight="bold" fill="currentColor">${title}</text>
<text y="44" font-size="12">${names.join('')}</text>
${panels.join('\n')}
</svg>
`
}

/**
 * Bars in groups, beside a line at `base`.
 *
 * @param rows - `{ group, name, value }` each
 */
export function bars(title, rows, { axis, base, ours }) {
  const result = rows.map(({ group, name, value }) => `${group}, ${name}: ${value.toFixed(2)}`)
  const colourOf = ({ name }) => (ours.includes(name) ? COLOURS[0] : '#8c959f')
  return picture(title, result.join('; '), [], (Plot) => [
    {
      marginLeft: 90,
      marginRight: 150,
      x: { label: axis, grid: true },
      y: { label: null, domain: [...new Set(rows.map(({ name }) => name))] },
      fy: { label: null, domain: [...new Set(rows.map(({ group }) => group))] },
      marks: [
        Plot.barX(rows, { x: 'value', y: 'name', fy: 'group', fill: colourOf }),
        Plot.text(rows, {
          x: 'value',
          y: 'name',
          fy: 'group',
          text: ({ value }) => value.toFixed(2),
          textAnchor: 'start',
          dx: 4,
        }),
        Plot.ruleX([base]),
      ],
    },
  ])
}

/**
 * Spans on a scale of powers of two, from 1/8 to 8, in groups.
 *
 * @param rows - `{ group, name, from, to }` each
 */
export function spans(title, rows, axis) {
  const [least, most] = [1 / 8, 8]
  const result = rows.map(
    ({ group, name, from, to }) => `${group}, ${name}: ${from.toFixed(2)} to ${to.toFixed(2)}`,
  )
  const names = [...new Set(rows.map(({ name }) => name))]
  const within = (value) => Math.min(most, Math.max(least, value))
  const ends = rows.flatMap((row) =>
    [row.from, row.to]
      .filter((value) => value === within(value))
      .map((value) => ({ ...row, value })),
  )
  return picture(title, result.join('; '), names, (Plot) => [
    {
      height: 420,
      marginLeft: 190,
      marginRight: 24,
      x: {
        type: 'log',
        base: 2,
        domain: [least, most],
        label: axis,
        grid: true,
        ticks: [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8],
        tickFormat: (ratio) => (ratio < 1 ? `1/${1 / ratio}` : `${ratio}`),
      },
      y: { axis: null, domain: names },
      fy: { label: null, domain: [...new Set(rows.map(({ group }) => group))] },
      color: { domain: names, range: COLOURS },
      marks: [
        Plot.ruleX([1]),
        Plot.link(rows, {
          x1: ({ from }) => within(from),
          x2: ({ to }) => within(to),
          y: 'name',
          fy: 'group',
          stroke: 'name',
          strokeWidth: 4,
        }),
        Plot.dot(ends, {
          x: 'value',
          y: 'name',
          fy: 'group',
          r: 3,
          stroke: 'name',
          fill: 'name',
        }),
      ],
    },
  ])
}

/**
 * Dots on a scale from 0 to 1, a row for each name.
 *
 * @param rows - `{ name, group, value }` each, of at most three groups
 */
export function dots(title, result, axis, rows) {
  const groups = [...new Set(rows.map(({ group }) => group))]
  return picture(
    title,
    result,
    groups,
    (Plot) => [
      {
        marginLeft: 190,
        marginRight: 24,
        x: { domain: [0, 1], label: axis, grid: true },
        y: { label: null, domain: [...new Set(rows.map(({ name }) => name))], grid: true },
        color: { domain: groups, range: COLOURS },
        symbol: { domain: groups, range: ['circle', 'triangle', 'square'] },
        marks: [
          Plot.dot(rows, {
            x: 'value',
            y: 'name',
            stroke: 'group',
            fill: 'group',
            symbol: 'group',
            r: 5,
            fillOpacity: 0.4,
          }),
        ],
      },
    ],
    '●▲■',
  )
}
