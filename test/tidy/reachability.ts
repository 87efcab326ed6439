// Files and exports that nothing uses. A unit test beside the code keeps nothing alive: it would keep what only it uses.
import {isProgram} from './form.ts'
import {isTest, isTestSupport, type SourceModule, type Violation} from './source-module.ts'
import {nameOf, walk} from './walk.ts'

/** Files that no program and no test below test/ reaches. Helpers of tests may be reached by any test. */
export function deadFileViolations(modules: readonly SourceModule[]): Violation[] {
  const byPath = new Map(modules.map(module => [module.path, module]))
  const used = reachable(byPath, path => isProgram(path) || path.startsWith('test/'))
  const usedByTests = reachable(byPath, isTest)
  return modules
    .filter(({path}) => !isTest(path) && !used.has(path) && !(isTestSupport(path) && usedByTests.has(path)))
    .map(({path}) => ({path, line: 1, message: 'nothing but its own tests reaches this file'}))
}

function reachable(modules: ReadonlyMap<string, SourceModule>, isRoot: (path: string) => boolean): Set<string> {
  const found = new Set<string>()
  const waiting = [...modules.keys()].filter(isRoot)
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue
    found.add(path)
    waiting.push(...(modules.get(path)?.imports ?? []).filter(({local}) => local).map(({target}) => target))
  }
  return found
}

/**
 * Exports that nothing uses: no module imports them, or only their own tests do and their module has no use for them
 * either. A type that its module names in a signature, or hands on, is used.
 */
export function deadExportViolations(modules: readonly SourceModule[]): Violation[] {
  const importers = importersOf(modules)
  const violations: Violation[] = []
  for (const module of modules) {
    const {path, exports} = module
    if (isTest(path) || path.endsWith('.config.ts') || path.endsWith('/global-setup.ts')) continue
    const counts = (importer: string) => isTestSupport(path) || !isTest(importer) || importer.startsWith('test/')
    for (const {name, line, isType} of exports) {
      const by = [...(importers.get(`${path}#${name}`) ?? []), ...(importers.get(`${path}#*`) ?? [])]
      if (by.some(counts) || ((isType || by.length > 0) && isUsedInside(module, name))) continue
      violations.push({path, line, message: `nothing${by.length > 0 ? ' but its test' : ''} imports \`${name}\``})
    }
  }
  return violations
}

/** `path#name` -> paths of the modules that import it. */
function importersOf(modules: readonly SourceModule[]): Map<string, Set<string>> {
  const importers = new Map<string, Set<string>>()
  for (const {path, imports} of modules) {
    for (const {target, names} of imports) {
      for (const name of names) {
        const key = `${target}#${name}`
        importers.set(key, (importers.get(key) ?? new Set()).add(path))
      }
    }
  }
  return importers
}

/** Whether a module names something once more than where it declares it. */
function isUsedInside({program}: SourceModule, name: string): boolean {
  let count = 0
  walk(program, node => {
    if (nameOf(node) === name) count++
  })
  return count > 1
}
