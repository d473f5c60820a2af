import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../install.mjs'

/**
 * Compiles consumer.ts with each compiler, module resolution and type of package. Where a program may have
 * both modules and CommonJS, other-build.ts gives the dictionaries of one build to the other.
 */
export function* typedProjects(folder, tools) {
  for (const compiler of ['typescript-5.4', 'typescript-5', 'typescript-7']) {
    const tsc = join(tools, 'node_modules', compiler)
    const { bin } = JSON.parse(readFileSync(join(tsc, 'package.json'), 'utf8'))
    for (const moduleResolution of ['node16', 'nodenext', 'bundler', 'node10']) {
      // TypeScript 7 has removed node10.
      if (moduleResolution === 'node10' && compiler === 'typescript-7') continue
      for (const type of ['module', 'commonjs']) {
        const name = `${compiler} ${moduleResolution} ${type}`
        const check = () => {
          const project = join(folder, name.replaceAll(' ', '-'))
          const compilerOptions = {
            strict: true,
            // To declare an inferred type, the compiler must be able to name it.
            declaration: true,
            emitDeclarationOnly: true,
            outDir: 'declared',
            skipLibCheck: false,
            target: 'es2020',
            lib: ['es2020'],
            types: [],
            module: moduleOf(moduleResolution, type),
            moduleResolution,
          }
          const files = ['consumer.ts']
          mkdirSync(project)
          if (hasBothBuilds(moduleResolution)) {
            files.push(type === 'module' ? 'other-build.cts' : 'other-build.mts')
            cpSync(join(folder, 'other-build.ts'), join(project, files[1]))
          }
          const config = { compilerOptions, files }
          writeFileSync(join(project, 'package.json'), JSON.stringify({ type }))
          writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config))
          cpSync(join(folder, 'consumer.ts'), join(project, 'consumer.ts'))
          must(process.execPath, [join(tsc, bin.tsc), '-p', '.'], project)
        }
        yield { name, check }
      }
    }
  }
}

const hasBothBuilds = (resolution) => ['node16', 'nodenext'].includes(resolution)

function moduleOf(resolution, type) {
  if (hasBothBuilds(resolution)) return resolution
  if (type === 'module') return 'esnext'
  return resolution === 'bundler' ? 'preserve' : 'commonjs'
}
