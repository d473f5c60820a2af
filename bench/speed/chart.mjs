/** Bars of nanoseconds an operation, the shortest first. */
export function chartOf(title, times) {
  const bars = Object.entries(times).sort(([, a], [, b]) => a - b)
  const longest = Math.max(...bars.map(([, time]) => time))
  const lines = bars.map(([name, time], i) => {
    const y = 40 + i * 24
    const width = Math.max(1, (time / longest) * 380)
    const fill = /^c(ache|ontroller)/.test(name) ? '#2f6fde' : '#9aa5b1'
    return `<text x="122" y="${y + 13}" text-anchor="end">${name}</text><rect x="130" y="${y}" width="${width.toFixed(1)}" height="16" fill="${fill}"/><text x="${(136 + width).toFixed(1)}" y="${y + 13}">${Math.round(time)} ns</text>`
  })
  const height = 50 + bars.length * 24
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 ${height}" font-family="sans-serif" font-size="12"><rect width="600" height="${height}" fill="#fff"/><text x="16" y="24" font-size="14" font-weight="bold">${title}</text>
${lines.join('\n')}
</svg>
`
}
