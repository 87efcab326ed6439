// Variables of a query template. A value reaches PromQL only in a form that cannot end the literal it stands in.
import type {TypedValue} from './template-variables.ts'

/** What a query may name. */
export interface QueryVariables {
  namespace: string
  rollout: string
  canaryWorkload: string
  primaryWorkload: string
  /** PromQL duration, such as 60s. */
  window: string
}

type RenderedQuery =
  | {query: string}
  | {reason: 'UnknownVariable' | 'UnclosedVariable' | 'UnsafeValue' | 'NoPodPattern'; message: string}

/**
 * The API server cuts a pod's generated name to 58 characters before its random end. A workload with a longer name
 * loses the dash, or the slot itself, so that no pattern can tell its pods from others.
 */
const maximumWorkloadNameLength = 57

const workloadName = /^[a-z0-9.-]+$/

/** What a value must be outside quotes, where it stands as one token: the name of a metric or label, or a figure. */
const bareValues: Record<Exclude<TypedValue['type'], 'regex'>, RegExp> = {
  string: /^[a-zA-Z_:][a-zA-Z0-9_:]*$/,
  number: /^-?[0-9.]+([eE]-?[0-9]+)?$/,
  duration: /^[0-9]+[a-z][0-9a-z]*$/,
}

/** Words, in whatever case, that PromQL takes for no name of a metric. As names of labels they have to be written out. */
const keywords = new Set(['bool', 'on', 'ignoring', 'group_left', 'group_right', 'inf', 'nan'])

/** What means more than itself in a regular expression of RE2. */
const patternCharacters = /[\\.+*?()|[\]{}^$]/g

/**
 * Fills in `{{ namespace }}`, `{{ rollout }}`, `{{ canary.workload }}`, `{{ canary.podPattern }}`,
 * `{{ primary.workload }}`, `{{ primary.podPattern }}`, `{{ window }}` and the `{{ variables.<name> }}` of a template.
 * Inside quotes a value is escaped for that kind of PromQL literal; outside them it must need no escaping. After =~ and
 * !~ a value stands for itself, but for regular expressions.
 * @param own validated values of the template's own variables, by name
 */
export function renderQuery(
  template: string,
  variables: QueryVariables,
  own: ReadonlyMap<string, TypedValue> = new Map(),
): RenderedQuery {
  const values = valuesOf(variables, own)
  let query = ''
  let quote = ''
  // The last two characters that are not blank and outside quotes: the operator before a quote.
  let before = ''
  for (let index = 0; index < template.length; index++) {
    const character = template[index] as string
    if (template.startsWith('{{', index)) {
      const end = template.indexOf('}}', index)
      if (end < 0) return unclosed(template.slice(index))
      const name = template.slice(index + 2, end).trim()
      const value = values.get(name)
      if (value === undefined) return values.has(name) ? noPattern(name) : unknown(name, [...values.keys()])
      const literal = quoted(value, quote, before)
      if (literal === undefined) return unsafe(name, value, quote)
      query += literal
      index = end + 1
      continue
    }
    if (character === '\\' && quote !== '' && quote !== '`') {
      query += template.slice(index, index + 2)
      index++
      continue
    }
    query += character
    const after = quoteAfter(quote, character)
    if (quote === '' && after === '' && character.trim() !== '') before = `${before}${character}`.slice(-2)
    quote = after
  }
  return {query}
}

/** A value as it may stand between the given quotes (none: bare); undefined when it can't be put there safely. */
function quoted(typed: TypedValue, quote: string, before: string): string | undefined {
  if (quote === '' || quote === '#') {
    if (typed.type === 'regex' || !bareValues[typed.type].test(typed.value)) return undefined
    return quote === '' && typed.type === 'string' && keywords.has(typed.value.toLowerCase()) ? undefined : typed.value
  }
  const value = inPattern(typed, before)
  if (value === undefined) return undefined
  if (quote === '`') return value.includes('`') ? undefined : value
  const escaped = value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
  return escaped.replaceAll('\n', '\\n').replaceAll('\r', '\\r')
}

/** A value as a part of what a literal means: of a text, or of a regular expression. */
function inPattern({type, value}: TypedValue, before: string): string | undefined {
  const isPattern = before === '=~' || before === '!~'
  // After = and != a regular expression would be taken as text and match nothing.
  if (type === 'regex') return isPattern || !before.endsWith('=') ? value : undefined
  return isPattern ? value.replaceAll(patternCharacters, '\\$&') : value
}

/** The literal that the next character stands in: its quote, `#` for a comment, empty for none. */
function quoteAfter(quote: string, character: string): string {
  if (quote === '') return ['"', "'", '`', '#'].includes(character) ? character : ''
  if (quote === '#') return character === '\n' ? '' : '#'
  return character === quote ? '' : quote
}

/** What each variable stands for; undefined where it can't be said. */
function valuesOf(
  {namespace, rollout, canaryWorkload, primaryWorkload, window}: QueryVariables,
  own: ReadonlyMap<string, TypedValue>,
): Map<string, TypedValue | undefined> {
  return new Map<string, TypedValue | undefined>([
    ['namespace', text(namespace)],
    ['rollout', text(rollout)],
    ['canary.workload', text(canaryWorkload)],
    ['canary.podPattern', podPattern(canaryWorkload)],
    ['primary.workload', text(primaryWorkload)],
    ['primary.podPattern', podPattern(primaryWorkload)],
    ['window', {type: 'duration', value: window}],
    ...[...own].map(([name, {type, value}]): [string, TypedValue] => [
      `variables.${name}`,
      // A group of its own: alternatives in it end where it ends.
      {type, value: type === 'regex' ? `(?:${value})` : value},
    ]),
  ])
}

function text(value: string): TypedValue {
  return {type: 'string', value}
}

/**
 * Regular expression (anchored at both ends by PromQL) of the names of a Deployment's pods: `<name>-<hash>-<suffix>`,
 * or `<name>-<suffix>` where the API server cut a long name. Free of backslashes, which PromQL would need doubled.
 */
function podPattern(workload: string): TypedValue | undefined {
  if (workload.length > maximumWorkloadNameLength || !workloadName.test(workload)) return undefined
  return {type: 'regex', value: `${workload.replaceAll('.', '[.]')}-[a-z0-9]+(-[a-z0-9]+)?`}
}

function unclosed(rest: string): RenderedQuery {
  return {reason: 'UnclosedVariable', message: `"${rest.slice(0, 40)}" has no closing }}`}
}

function unknown(name: string, known: string[]): RenderedQuery {
  const message = `unknown variable {{ ${name.slice(0, 60)} }}: use one of ${known.join(', ')}`
  const fix = name.startsWith('variables.') ? ', or declare it in spec.variables of a MetricTemplate' : ''
  return {reason: 'UnknownVariable', message: `${message}${fix}`}
}

function noPattern(name: string): RenderedQuery {
  const message = `{{ ${name} }} can't tell the pods of a workload whose name has over ${maximumWorkloadNameLength} characters: Kubernetes cuts their names; select by a label instead`
  return {reason: 'NoPodPattern', message}
}

function unsafe(name: string, {type}: TypedValue, quote: string): RenderedQuery {
  const bare = quote === '' || quote === '#'
  const place = bare ? 'outside quotes' : quote === '`' ? 'inside `' : 'after = or !='
  const fix = bare || quote === '`' || type !== 'regex' ? 'put it in double quotes' : 'use =~ or !~'
  return {reason: 'UnsafeValue', message: `{{ ${name} }} can't stand ${place}: ${fix}`}
}
