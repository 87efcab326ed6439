// Files and exports that nothing uses. A unit test beside the code keeps nothing alive: it would keep what only it uses.
import {isProgram} from './form.ts'
import {isTest, isTestSupport, type SourceModule, type Violation} from './source-module.ts'

/** Exports that stay without an importer: path, name (`*` for all), and why. */
export interface PublicExport {
  path: string
  name: string
  reason: string
}

export const publicExports: readonly PublicExport[] = []

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

/** Exports that no other module imports. */
export function deadExportViolations(
  modules: readonly SourceModule[],
  exceptions: readonly PublicExport[] = publicExports,
): Violation[] {
  const importers = new Map<string, Set<string>>()
  for (const {path, imports} of modules) {
    for (const {target, names} of imports) {
      for (const name of names) add(importers, `${target}#${name}`, path)
    }
  }
  const violations: Violation[] = []
  for (const {path, exports} of modules) {
    if (isTest(path) || path.endsWith('.config.ts')) continue
    const counts = (importer: string) => isTestSupport(path) || !isTest(importer) || importer.startsWith('test/')
    for (const {name, line} of exports) {
      const by = [...(importers.get(`${path}#${name}`) ?? []), ...(importers.get(`${path}#*`) ?? [])]
      const excepted = exceptions.some(one => one.path === path && (one.name === name || one.name === '*'))
      if (!by.some(counts) && !excepted) violations.push({path, line, message: `nothing imports \`${name}\``})
    }
  }
  return violations
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key) ?? new Set()
  map.set(key, values.add(value))
}
