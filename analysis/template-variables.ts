// The variables that a MetricTemplate declares and a check sets. A value is held against its type before it comes near a
// query; `template.ts` then sees to it that it can't leave the place it stands in.
import type {TemplateVariable} from '../crds/metric-template.ts'

/** A value and what it is, which decides how it may stand in a query. */
export interface TypedValue {
  type: TemplateVariable['type']
  value: string
}

/** What is wrong with a variable; the caller says of which check. */
export interface VariableProblem {
  reason: 'UnknownVariable' | 'MissingVariable' | 'InvalidVariable'
  name: string
  /** The value is the template's own default. */
  isDefault: boolean
  message: string
}

const maximumQuotedLength = 60

/** A plus sign could not stand outside quotes. */
const number = /^-?(\d+(\.\d*)?|\.\d+)([eE]-?\d+)?$/
const promqlDuration = /^(?=.)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/

const inlineFlags = /^\(\?[imsU]+\)/
/** Groups but for plain ones, and classes that RE2 and JavaScript end at different places. */
const foreignSyntax = /\(\?(?!:)|\[\^?\]|\[\[:/
/** What may stand behind a backslash in both; not among it are back-references, and the quoting of RE2 (\Q). */
const sharedEscape = /^(?:[dDwWsSbBnrtfvAz]|(?![a-zA-Z0-9])\p{ASCII})$/su

const regexRemedy =
  'is not a regular expression that can stand in another: close every bracket, and leave out look-around, named groups, [] and classes such as [[:alpha:]], and escapes but for \\d \\D \\w \\W \\s \\S \\b \\B \\n \\r \\t and signs'

/** The value of each declared variable, by name, or the first thing that is wrong. */
export function valuesOfVariables(
  declared: readonly TemplateVariable[],
  given: Readonly<Record<string, string>>,
): Map<string, TypedValue> | VariableProblem {
  const set = new Map(Object.entries(given))
  for (const name of set.keys()) {
    if (!declared.some(variable => variable.name === name)) return unknown(name, declared)
  }
  const values = new Map<string, TypedValue>()
  for (const variable of declared) {
    const {name, type} = variable
    const own = set.get(name)
    const value = own ?? variable.default
    if (value === undefined) return missing(variable)
    const problem = problemOf(type, value)
    if (problem !== undefined) {
      const message = `${JSON.stringify(value.slice(0, maximumQuotedLength))} ${problem}`
      return {reason: 'InvalidVariable', name, isDefault: own === undefined, message}
    }
    values.set(name, {type, value})
  }
  return values
}

function problemOf(type: TemplateVariable['type'], value: string): string | undefined {
  switch (type) {
    case 'string':
      return undefined
    case 'number':
      return number.test(value) && Number.isFinite(Number(value)) ? undefined : 'is not a number: write one such as 0.5'
    case 'duration':
      return promqlDuration.test(value) ? undefined : 'is not a duration of PromQL: write one such as 5m or 1h30m'
    case 'regex':
      return isRegularExpression(value) ? undefined : regexRemedy
  }
}

/**
 * Whether a text is one whole regular expression, in the part of RE2 that JavaScript reads alike: then it can stand in a
 * group of a larger pattern and not end it.
 */
function isRegularExpression(text: string): boolean {
  const pattern = text.replace(inlineFlags, '')
  for (const [, escaped = ''] of pattern.matchAll(/\\(.)/gsu)) {
    if (!sharedEscape.test(escaped)) return false
  }
  if (foreignSyntax.test(pattern.replaceAll(/\\./gs, 'x'))) return false
  try {
    return Boolean(new RegExp(pattern))
  } catch {
    return false
  }
}

function unknown(name: string, declared: readonly TemplateVariable[]): VariableProblem {
  const names = declared.map(variable => variable.name)
  const fix = names.length === 0 ? 'remove it' : `use one of ${names.join(', ')}`
  return {reason: 'UnknownVariable', name, isDefault: false, message: `the template declares no such variable: ${fix}`}
}

function missing({name, type, description}: TemplateVariable): VariableProblem {
  const purpose = description === undefined ? '' : ` (${description})`
  return {reason: 'MissingVariable', name, isDefault: false, message: `missing: set this ${type}${purpose}`}
}
