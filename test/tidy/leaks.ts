// What must never be in a repository that others clone.
import type {Violation} from './source-module.ts'

const patterns: readonly {what: string; pattern: RegExp}[] = [
  {what: 'a path of one machine', pattern: /(?<![\w.~$}-])\/(?:(?:work|root)\/|(?:home|Users)\/\w)/g},
  {
    what: 'the address of a package registry or download host',
    pattern:
      /\/\/(?:registry\.|[\w.-]*\/artifactory\/|proxy\.golang\.org|files\.pythonhosted\.org|pypi\.org|dl\.k8s\.io|storage\.googleapis\.com|nodejs\.org\/dist|github\.com\/[^\s/]+\/[^\s/]+\/releases\/download)/g,
  },
  {what: 'a private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\s|\\n)+[A-Za-z0-9+/]{20}/g},
  {
    what: 'a token',
    pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}|xox[abp]-[0-9]{8,}|npm_[A-Za-z0-9]{36})/g,
  },
]

/** Lock files name packages by version alone: an address would send everyone to one machine's mirror. */
const lockFilePatterns: typeof patterns = [{what: 'the address of a package', pattern: /"resolved": *"[^"]*:/g}]

/** Looks through one file's text. */
export function leakViolations(path: string, text: string): Violation[] {
  const all = path.endsWith('package-lock.json') ? [...patterns, ...lockFilePatterns] : patterns
  return all.flatMap(({what, pattern}) =>
    [...text.matchAll(pattern)].map(match => ({
      path,
      line: text.slice(0, match.index).split('\n').length,
      message: `holds ${what}`,
    })),
  )
}
