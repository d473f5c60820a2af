/** A table in Markdown; columns after the first are aligned to the right if they are numbers. */
export function table(heads, rows) {
  const isNumber = (column) => rows.every((row) => /^[*-]*\d|^$|^died/.test(String(row[column])))
  const rules = heads.map((_, column) => (column > 0 && isNumber(column) ? '---:' : '---'))
  return [heads, rules, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export const whole = (number) => Math.round(number).toLocaleString('en')

/** Two digits, in bold if the value is out of the wanted range. */
export function marked(value, [least, most] = [-Infinity, Infinity]) {
  const text = Number.isFinite(value) ? value.toFixed(2) : 'died'
  return value >= least && value <= most ? text : `**${text}**`
}
