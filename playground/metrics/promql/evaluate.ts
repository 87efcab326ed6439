// Evaluates the tree at one moment, by the rules of Prometheus 3.
import {keyOf, type Labels, type MetricStore} from '../store.ts'
import {type Expression, type Matching, parseQuery} from './ast.ts'
import {QueryError, unsupported} from './errors.ts'
import {histogramQuantile} from './histogram.ts'
import {combine, comparisons} from './operators.ts'
import {best, pointsIn, rangeFunctions} from './range-functions.ts'

/** One element of an instant vector. */
export interface Element {
  labels: Labels
  value: number
}

export type Value = {kind: 'scalar'; value: number} | {kind: 'vector'; elements: Element[]}

const lookbackMilliseconds = 5 * 60_000

/** The value of a query at a time, in milliseconds. @throws QueryError */
export function evaluateInstant(store: MetricStore, query: string, at: number): Value {
  const value = evaluate({store, at}, parseQuery(query))
  if (value.kind === 'vector') refuseDuplicates(value.elements)
  return value
}

interface Scope {
  store: MetricStore
  at: number
}

function evaluate(scope: Scope, expression: Expression): Value {
  switch (expression.kind) {
    case 'number':
      return {kind: 'scalar', value: expression.value}
    case 'selector':
      return vector(select(scope, expression).map(({labels, value}) => ({labels, value})))
    case 'range':
      throw new QueryError('a range needs a function such as rate around it')
    case 'negation':
      return mapped(evaluate(scope, expression.operand), value => -value)
    case 'call':
      return call(scope, expression.name, expression.args)
    case 'aggregate':
      return vector(aggregate(expression, elementsOf(evaluate(scope, expression.operand), expression.operator)))
    case 'binary':
      return binary(scope, expression)
    default:
      return expression satisfies never
  }
}

function vector(elements: Element[]): Value {
  return {kind: 'vector', elements}
}

/** The last sample of each series, no older than the lookback, unless the series has ended. */
function select(scope: Scope, selector: Expression & {kind: 'selector'}): (Element & {at: number})[] {
  const to = scope.at - selector.offsetMilliseconds
  return scope.store.select(selector.matchers).flatMap(({labels, samples}) => {
    const last = samples.findLast(sample => sample.at <= to)
    if (!last || last.value === 'stale' || last.at <= to - lookbackMilliseconds) return []
    return [{labels, value: last.value, at: last.at}]
  })
}

/** Seconds at which each sample was taken; of what is computed, the time of the question. */
function timestamps(scope: Scope, operand: Expression): Element[] {
  const sampled =
    operand.kind === 'selector'
      ? select(scope, operand)
      : elementsOf(evaluate(scope, operand), 'timestamp').map(element => ({...element, at: scope.at}))
  return sampled.map(({labels, at}) => ({labels: withoutName(labels), value: at / 1000}))
}

function mapped(value: Value, change: (value: number) => number): Value {
  if (value.kind === 'scalar') return {kind: 'scalar', value: change(value.value)}
  return vector(value.elements.map(element => ({labels: withoutName(element.labels), value: change(element.value)})))
}

function withoutName(labels: Labels): Labels {
  const {__name__: _name, ...rest} = labels
  return rest
}

function elementsOf(value: Value, where: string): Element[] {
  if (value.kind !== 'vector') throw new QueryError(`${where} takes an instant vector`)
  return value.elements
}

function scalarOf(value: Value, where: string): number {
  if (value.kind !== 'scalar') throw new QueryError(`${where} takes a scalar here`)
  return value.value
}

const scalarFunctions: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
}

function call(scope: Scope, name: string, args: Expression[]): Value {
  const overRange = rangeFunctions[name]
  const [first, second] = args
  const count = (wanted: number) => {
    if (args.length !== wanted) throw new QueryError(`${name} takes ${wanted} arguments and got ${args.length}`)
  }
  if (overRange) {
    count(1)
    if (first?.kind !== 'range') throw new QueryError(`${name} takes a range such as x[5m]`)
    const to = scope.at - first.selector.offsetMilliseconds
    const window = {from: to - first.milliseconds, to}
    const keepsName = name === 'last_over_time'
    return vector(
      scope.store.select(first.selector.matchers).flatMap(({labels, samples}) => {
        const value = overRange(pointsIn(samples, window), window)
        return value === undefined ? [] : [{labels: keepsName ? labels : withoutName(labels), value}]
      }),
    )
  }
  const own = scalarFunctions[name]
  if (own && first) {
    count(1)
    return mapped(vector(elementsOf(evaluate(scope, first), name)), own)
  }
  switch (name) {
    case 'time':
      count(0)
      return {kind: 'scalar', value: scope.at / 1000}
    case 'vector':
      count(1)
      return vector([{labels: {}, value: scalarOf(evaluate(scope, first as Expression), name)}])
    case 'timestamp':
      count(1)
      return vector(timestamps(scope, first as Expression))
    case 'scalar': {
      count(1)
      const elements = elementsOf(evaluate(scope, first as Expression), name)
      return {kind: 'scalar', value: elements.length === 1 ? (elements[0]?.value ?? Number.NaN) : Number.NaN}
    }
    case 'clamp_min':
    case 'clamp_max': {
      count(2)
      const bound = scalarOf(evaluate(scope, second as Expression), name)
      return mapped(vector(elementsOf(evaluate(scope, first as Expression), name)), value =>
        name === 'clamp_min' ? Math.max(value, bound) : Math.min(value, bound),
      )
    }
    case 'histogram_quantile':
      count(2)
      return vector(
        histogramQuantile(
          scalarOf(evaluate(scope, first as Expression), name),
          elementsOf(evaluate(scope, second as Expression), name),
        ),
      )
    default:
      throw unsupported(`the function ${name}`)
  }
}

function aggregate(expression: Expression & {kind: 'aggregate'}, elements: Element[]): Element[] {
  const groups = new Map<string, {labels: Labels; values: number[]}>()
  for (const {labels, value} of elements) {
    const kept = groupLabels(labels, expression.grouping, expression.without)
    const key = keyOf(kept)
    const group = groups.get(key) ?? {labels: kept, values: []}
    group.values.push(value)
    groups.set(key, group)
  }
  return [...groups.values()].map(({labels, values}) => ({labels, value: summary(expression.operator, values)}))
}

function groupLabels(labels: Labels, names: string[], without: boolean): Labels {
  const entries = Object.entries(labels).filter(([name]) =>
    without ? name !== '__name__' && !names.includes(name) : names.includes(name),
  )
  return Object.fromEntries(entries)
}

function summary(operator: string, values: number[]): number {
  const total = () => values.reduce((sum, value) => sum + value, 0)
  switch (operator) {
    case 'sum':
      return total()
    case 'avg':
      return total() / values.length
    case 'count':
      return values.length
    case 'min':
      return best(values, (value, kept) => value < kept)
    case 'max':
      return best(values, (value, kept) => value > kept)
    default:
      throw unsupported(`the aggregation ${operator}`)
  }
}

function binary(scope: Scope, expression: Expression & {kind: 'binary'}): Value {
  const left = evaluate(scope, expression.left)
  const right = evaluate(scope, expression.right)
  const {operator, bool, matching} = expression
  const comparison = comparisons.has(operator)
  if (bool && !comparison) throw new QueryError(`bool belongs to a comparison, not to ${operator}`)
  if (operator === 'and' || operator === 'or' || operator === 'unless') {
    return vector(setOperation(operator, elementsOf(left, operator), elementsOf(right, operator), matching))
  }
  if (matching.labels.length > 0 && (left.kind !== 'vector' || right.kind !== 'vector')) {
    throw new QueryError('matching labels belong between two vectors')
  }
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    if (comparison && !bool) throw new QueryError('comparisons between scalars need bool')
    return {kind: 'scalar', value: combine(operator, left.value, right.value)}
  }
  if (left.kind === 'vector' && right.kind === 'vector')
    return vector(oneToOne(operator, bool, left.elements, right.elements, matching))
  const elements = left.kind === 'vector' ? left.elements : right.kind === 'vector' ? right.elements : []
  return vector(
    elements.flatMap(({labels, value}) => {
      const [one, other] =
        left.kind === 'scalar' ? [left.value, value] : [value, right.kind === 'scalar' ? right.value : Number.NaN]
      const result = combine(operator, one, other)
      if (comparison && !bool) return result === 1 ? [{labels, value}] : []
      return [{labels: withoutName(labels), value: result}]
    }),
  )
}

function matchKey(labels: Labels, matching: Matching): string {
  return keyOf(groupLabels(labels, matching.labels, matching.mode === 'ignoring'))
}

function setOperation(
  operator: 'and' | 'or' | 'unless',
  left: Element[],
  right: Element[],
  matching: Matching,
): Element[] {
  const keys = new Set((operator === 'or' ? left : right).map(element => matchKey(element.labels, matching)))
  if (operator === 'or') return [...left, ...right.filter(element => !keys.has(matchKey(element.labels, matching)))]
  return left.filter(element => keys.has(matchKey(element.labels, matching)) === (operator === 'and'))
}

function oneToOne(operator: string, bool: boolean, left: Element[], right: Element[], matching: Matching): Element[] {
  // Nothing can match, so nothing can match twice either.
  if (left.length === 0 || right.length === 0) return []
  const others = new Map<string, Element>()
  for (const element of right) {
    const key = matchKey(element.labels, matching)
    if (others.has(key))
      throw new QueryError('many-to-many matching not allowed: matching labels must be unique on one side')
    others.set(key, element)
  }
  const filter = comparisons.has(operator) && !bool
  const seen = new Set<string>()
  return left.flatMap(element => {
    const key = matchKey(element.labels, matching)
    const other = others.get(key)
    if (!other) return []
    const result = combine(operator, element.value, other.value)
    if (filter && result !== 1) return []
    if (seen.has(key)) throw new QueryError('multiple matches for labels: many-to-one matching must be explicit')
    seen.add(key)
    const labels = matchedLabels(filter ? element.labels : withoutName(element.labels), matching)
    return [{labels, value: filter ? element.value : result}]
  })
}

/** The labels that a match leaves: those it was on, or those that it did not ignore; then the name stays too. */
function matchedLabels(labels: Labels, {mode, labels: names}: Matching): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name) === (mode === 'on')))
}

function refuseDuplicates(elements: Element[]): void {
  const keys = new Set(elements.map(element => keyOf(element.labels)))
  if (keys.size < elements.length) throw new QueryError('vector cannot contain metrics with the same labelset')
}
