// A source file as the tidy rules see it: parsed once, with its imports resolved to paths in the repository.
import {readdirSync, readFileSync} from 'node:fs'
import {dirname, join, posix} from 'node:path'
import {type Node, parseSync} from 'oxc-parser'
import {isNode, nameOf, walk} from './walk.ts'

export interface Import {
  /** Path in the repository for a relative import, else the specifier as written (`zod`, `node:fs`). */
  target: string
  /** Whether the target is a file of the repository. */
  local: boolean
  /** Imported names; `*` for a namespace, a dynamic import or `export * from`. */
  names: string[]
  /** Whether it takes types alone, so that nothing of the target is loaded. */
  typesOnly: boolean
  line: number
}

export interface Export {
  name: string
  line: number
  isType: boolean
}

export interface SourceModule {
  /** Path in the repository, with `/`. */
  path: string
  text: string
  program: Node
  imports: Import[]
  exports: Export[]
  lineAt(offset: number): number
}

/** What a rule objects to. */
export interface Violation {
  path: string
  line: number
  message: string
}

export function isTest(path: string): boolean {
  return /\.(test|lane)\.ts$/.test(path)
}

/** Files that only tests use, beside the code that they test. */
export function isTestSupport(path: string): boolean {
  return (
    isTest(path) ||
    path.startsWith('test/') ||
    /(^|\/)test-support(\/|[^/]*\.ts$)|\/(fixtures|memory-store)\.ts$/.test(path)
  )
}

/** Parses one file. @throws Error with the parser's message when it is no TypeScript */
export function parseModule(path: string, text: string): SourceModule {
  const {program, module, errors} = parseSync(path, text)
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`)
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(match => match.index + 1)]
  const lineAt = (offset: number) => lineStarts.findLastIndex(start => start <= offset) + 1
  const resolve = (specifier: string, names: string[], offset: number, typesOnly: boolean): Import => {
    const local = specifier.startsWith('.')
    const target = local ? posix.join(dirname(path), specifier) : specifier
    return {target, local, names, typesOnly, line: lineAt(offset)}
  }
  const imports = module.staticImports.map(({moduleRequest, entries, start}) =>
    resolve(
      moduleRequest.value,
      entries.map(({importName}) => (importName.kind === 'Default' ? 'default' : (importName.name ?? '*'))),
      start,
      entries.length > 0 && entries.every(({isType}) => isType),
    ),
  )
  const exports: Export[] = []
  for (const {start, entries} of module.staticExports) {
    for (const {moduleRequest, importName, exportName, isType} of entries) {
      if (moduleRequest) imports.push(resolve(moduleRequest.value, [importName.name ?? '*'], start, isType))
      if (exportName.kind !== 'None') exports.push({name: exportName.name ?? 'default', line: lineAt(start), isType})
    }
  }
  for (const {moduleRequest, start} of module.dynamicImports) {
    const written = text.slice(moduleRequest.start, moduleRequest.end)
    // A path that is computed can't be held against the import table, so it stays as it is and no room allows it.
    imports.push(resolve(/^(['"])(.*)\1$/.exec(written)?.[2] ?? `(${written})`, ['*'], start, false))
  }
  // `import('./a.ts').Name` is a type, which the parser's list of imports leaves out.
  walk(program, node => {
    if (node.type !== 'TSImportType' || !isNode(node.source) || typeof node.source.value !== 'string') return
    imports.push(resolve(node.source.value, [nameOf(node.qualifier) ?? '*'], node.start, true))
  })
  return {path, text, program: program as unknown as Node, imports, exports, lineAt}
}

const skipped = new Set(['.cache', '.git', 'coverage', 'dist', 'node_modules'])

/** Paths of all files below a folder, without dependencies and build results. */
export function filesBelow(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), {withFileTypes: true}).flatMap(entry => {
    if (skipped.has(entry.name)) return []
    const path = posix.join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(root, path) : [path]
  })
}

export function loadModules(root: string): SourceModule[] {
  return filesBelow(root)
    .filter(path => path.endsWith('.ts'))
    .map(path => parseModule(path, readFileSync(join(root, path), 'utf8')))
}
