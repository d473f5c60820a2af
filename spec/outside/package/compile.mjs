import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Makes a project of each kind, and gives the command that checks its types. */
export function* typedProjects(folder, compilers, source) {
  for (const compiler of ['typescript-5.4', 'typescript-5', 'typescript-7']) {
    // TypeScript 7 has no node10 any more.
    const resolutions = [
      'node16',
      'nodenext',
      'bundler',
      ...(compiler === 'typescript-7' ? [] : ['node10']),
    ]
    const tsc = join(compilers, 'node_modules', compiler)
    const { bin } = JSON.parse(readFileSync(join(tsc, 'package.json'), 'utf8'))
    for (const resolution of resolutions) {
      for (const type of ['module', 'commonjs']) {
        const name = `${compiler} ${resolution} ${type}`
        const project = join(folder, name.replaceAll(' ', '-'))
        mkdirSync(project)
        writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type }))
        cpSync(source, join(project, 'consumer.ts'))
        const compilerOptions = {
          strict: true,
          // Declared, since a type that is inferred has to be one that can be named.
          declaration: true,
          emitDeclarationOnly: true,
          outDir: 'declared',
          skipLibCheck: false,
          target: 'es2020',
          lib: ['es2020'],
          types: [],
          module: moduleOf(resolution, type),
          moduleResolution: resolution,
        }
        const config = JSON.stringify({ compilerOptions, files: ['consumer.ts'] })
        writeFileSync(join(project, 'tsconfig.json'), config)
        yield { name, project, args: [join(tsc, bin.tsc), '-p', '.'] }
      }
    }
  }
}

function moduleOf(resolution, type) {
  if (resolution === 'node10') return type === 'module' ? 'esnext' : 'commonjs'
  if (resolution === 'bundler') return type === 'module' ? 'esnext' : 'preserve'
  return resolution
}
