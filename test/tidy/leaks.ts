// What must never be in a repository that others clone.
import type {Violation} from './source-module.ts'

const patterns: readonly {what: string; pattern: RegExp}[] = [
  {what: 'a path of one machine', pattern: /(?<![\w.~$}-])\/(?:work|root|home\/[a-z]\w*|Users\/\w+)\//},
  {
    what: 'the address of a package registry or download host',
    pattern:
      /https?:\/\/(?:registry\.|[\w.-]*\/artifactory\/|proxy\.golang\.org|files\.pythonhosted\.org|pypi\.org|dl\.k8s\.io|storage\.googleapis\.com|nodejs\.org\/dist|github\.com\/[^\s/]+\/[^\s/]+\/releases\/download)/,
  },
  {what: 'a private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}/},
  {what: 'a token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}|xox[abp]-[0-9]{8,}|npm_[A-Za-z0-9]{36})/},
]

/** Looks through one file's text. */
export function leakViolations(path: string, text: string): Violation[] {
  const violations: Violation[] = []
  for (const [index, line] of text.split('\n').entries()) {
    for (const {what, pattern} of patterns) {
      // A key stands on several lines.
      const part =
        what === 'a private key'
          ? text
              .split('\n')
              .slice(index, index + 2)
              .join('\n')
          : line
      if (pattern.test(part)) violations.push({path, line: index + 1, message: `holds ${what}`})
    }
  }
  return violations
}
