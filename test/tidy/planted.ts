// Makes modules out of texts, for rules that are to be seen failing.
import {parseModule, type SourceModule, type Violation} from './source-module.ts'

/** Path -> text of every planted module. */
function planted(texts: Record<string, string>): SourceModule[] {
  return Object.entries(texts).map(([path, text]) => parseModule(path, text))
}

/** What a rule says of planted modules, as `path:line message`. */
export function said(rule: (modules: readonly SourceModule[]) => Violation[], texts: Record<string, string>): string[] {
  return rule(planted(texts)).map(({path, line, message}) => `${path}:${line} ${message}`)
}
