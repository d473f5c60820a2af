/** The code blocks of a section of the README, or of all of it. */
export function snippetsOf(readme, heading) {
  const [, section = ''] = heading ? readme.split(`\n## ${heading}\n`) : ['', readme]
  const [text] = heading ? section.split('\n## ') : [section]
  return [...text.matchAll(/```(js|ts)\n([\s\S]*?)```/g)].map(([, language, code]) => ({
    language,
    code,
  }))
}

/** Each `expression // value` line becomes a note of what the expression gave. */
export function noting(code) {
  const promised = []
  const lines = code.split('\n').map((line) => {
    const [, expression, comment] =
      /^(?!const|export|import|return|\s)(.+?) \/\/ (.+)$/.exec(line) ?? []
    if (expression === undefined || / [+]?= /.test(expression)) return line
    promised.push(comment)
    return `note(${expression})`
  })
  return { code: lines.join('\n'), promised }
}

/** A program that ends with an error unless all that the snippet promises is what it gives. */
export function programOf(snippet, moduleSystem) {
  const { code, promised } = noting(snippet)
  const body = moduleSystem === 'esm' ? code : asScript(code)
  return `const promised = ${JSON.stringify(promised)}
const inspect = process.getBuiltinModule('node:util').inspect
function note(value) {
  const words = promised.shift()
  if (!words.startsWith(inspect(value))) throw new Error(words + ': ' + inspect(value))
}
process.on('exit', (code) => {
  if (code === 0 && promised.length > 0) throw new Error('never reached: ' + promised)
})
${body}
`
}

function asScript(code) {
  const required = code
    .replace(/^import (\{.+\}) from ('.+')/gm, 'const $1 = require($2)')
    .replaceAll('await import(', 'require(')
    .replaceAll('export async', 'async')
  return `;(async () => {\n${required}\n})()`
}
