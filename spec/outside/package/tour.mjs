/** The code blocks of a section of the README, or of all of it. */
export function snippetsOf(readme, heading) {
  const [, section = ''] = heading ? readme.split(`\n## ${heading}\n`) : ['', readme]
  const [text] = heading ? section.split('\n## ') : [section]
  return [...text.matchAll(/```(js|ts)\n([\s\S]*?)```/g)].map(([, language, code]) => ({
    language,
    code,
  }))
}

/** Makes each line `expression // value` pass the value of its expression to `note`. */
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

/** A program that fails unless each expression of the snippet gives the value in its comment. */
export function programOf(snippet, extension) {
  const { code, promised } = noting(snippet)
  const body = extension === 'mjs' ? code : asScript(code)
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
