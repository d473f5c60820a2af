import { readFileSync } from 'node:fs'
import commonjs from '@rollup/plugin-commonjs'
import nodeResolve from '@rollup/plugin-node-resolve'
import { rollup } from 'rollup'

const { input, output, format, exportConditions } = JSON.parse(
  readFileSync(process.argv[2], 'utf8'),
)
const browser = !exportConditions.includes('node')
const plugins = [nodeResolve({ browser, exportConditions, preferBuiltins: !browser }), commonjs()]
const bundle = await rollup({ input, plugins })
await bundle.write({ file: output, format, name: 'bundled' })
await bundle.close()
