import { createRequire } from 'node:module'
import { join } from 'node:path'

const { tools, input, file, format, conditions } = JSON.parse(process.argv[2])
const require = createRequire(join(tools, 'package.json'))
const { rollup } = require('rollup')
const { nodeResolve } = require('@rollup/plugin-node-resolve')
const { default: commonjs } = require('@rollup/plugin-commonjs')

const browser = !conditions.includes('node')
const resolve = nodeResolve({ browser, exportConditions: conditions, preferBuiltins: !browser })
const bundle = await rollup({ input, plugins: [resolve, commonjs()] })
await bundle.write({ file, format, name: 'bundled' })
await bundle.close()
