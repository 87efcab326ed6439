// Variables of a query template. A value reaches PromQL only in a form that cannot end the literal it stands in.

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

/** Outside a string literal only these can't change the meaning of a query; enough for a name or a duration. */
const plainValue = /^[a-zA-Z0-9_.:-]+$/

/**
 * Fills in `{{ namespace }}`, `{{ rollout }}`, `{{ canary.workload }}`, `{{ canary.podPattern }}`,
 * `{{ primary.workload }}`, `{{ primary.podPattern }}` and `{{ window }}`. Inside quotes a value is escaped for that
 * kind of PromQL literal; outside them it must need no escaping.
 */
export function renderQuery(template: string, variables: QueryVariables): RenderedQuery {
  const values = valuesOf(variables)
  let query = ''
  let quote = ''
  for (let index = 0; index < template.length; index++) {
    const character = template[index] as string
    if (template.startsWith('{{', index)) {
      const end = template.indexOf('}}', index)
      if (end < 0) return unclosed(template.slice(index))
      const name = template.slice(index + 2, end).trim()
      if (!values.has(name)) return unknown(name, [...values.keys()])
      const value = values.get(name)
      if (value === undefined) return noPattern(name)
      const literal = quoted(value, quote)
      if (literal === undefined) return unsafe(name, quote)
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
    quote = quoteAfter(quote, character)
  }
  return {query}
}

/** A value as it may stand between the given quotes (none: bare); undefined when it can't be put there safely. */
function quoted(value: string, quote: string): string | undefined {
  if (quote === '' || quote === '#') return plainValue.test(value) ? value : undefined
  if (quote === '`') return value.includes('`') ? undefined : value
  const escaped = value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
  return escaped.replaceAll('\n', '\\n').replaceAll('\r', '\\r')
}

/** The literal that the next character stands in: its quote, `#` for a comment, empty for none. */
function quoteAfter(quote: string, character: string): string {
  if (quote === '') return ['"', "'", '`', '#'].includes(character) ? character : ''
  if (quote === '#') return character === '\n' ? '' : '#'
  return character === quote ? '' : quote
}

/** What each variable stands for; undefined where it can't be said. */
function valuesOf(variables: QueryVariables): Map<string, string | undefined> {
  const {namespace, rollout, canaryWorkload, primaryWorkload, window} = variables
  return new Map([
    ['namespace', namespace],
    ['rollout', rollout],
    ['canary.workload', canaryWorkload],
    ['canary.podPattern', podPattern(canaryWorkload)],
    ['primary.workload', primaryWorkload],
    ['primary.podPattern', podPattern(primaryWorkload)],
    ['window', window],
  ])
}

/**
 * Regular expression (anchored at both ends by PromQL) of the names of a Deployment's pods: `<name>-<hash>-<suffix>`,
 * or `<name>-<suffix>` where the API server cut a long name. Free of backslashes, which PromQL would need doubled.
 */
function podPattern(workload: string): string | undefined {
  if (workload.length > maximumWorkloadNameLength || !workloadName.test(workload)) return undefined
  return `${workload.replaceAll('.', '[.]')}-[a-z0-9]+(-[a-z0-9]+)?`
}

function unclosed(rest: string): RenderedQuery {
  return {reason: 'UnclosedVariable', message: `"${rest.slice(0, 40)}" has no closing }}`}
}

function unknown(name: string, known: string[]): RenderedQuery {
  const message = `unknown variable {{ ${name.slice(0, 60)} }}: use one of ${known.join(', ')}`
  return {reason: 'UnknownVariable', message}
}

function noPattern(name: string): RenderedQuery {
  const message = `{{ ${name} }} can't tell the pods of a workload whose name has over ${maximumWorkloadNameLength} characters: Kubernetes cuts their names; select by a label instead`
  return {reason: 'NoPodPattern', message}
}

function unsafe(name: string, quote: string): RenderedQuery {
  const place = quote === '' || quote === '#' ? 'outside quotes' : `inside ${quote}`
  return {reason: 'UnsafeValue', message: `{{ ${name} }} can't stand ${place}: put it in double quotes`}
}
