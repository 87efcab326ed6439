// From the parse tree of @prometheus-io/lezer-promql to a small tree of our own. What the subset lacks is refused here.
import type {SyntaxNode} from '@lezer/common'
import {parser} from '@prometheus-io/lezer-promql'
import {accepts, type Matcher} from '../store.ts'
import {QueryError, unsupported} from './errors.ts'

export type Expression =
  | {kind: 'number'; value: number}
  | {kind: 'selector'; matchers: Matcher[]; offsetMilliseconds: number}
  | {kind: 'range'; selector: Expression & {kind: 'selector'}; milliseconds: number}
  | {kind: 'negation'; operand: Expression}
  | {kind: 'call'; name: string; args: Expression[]}
  | {kind: 'aggregate'; operator: string; operand: Expression; grouping: string[]; without: boolean}
  | {kind: 'binary'; operator: string; left: Expression; right: Expression; bool: boolean; matching: Matching}

export interface Matching {
  mode: 'on' | 'ignoring'
  labels: string[]
}

const maximumQueryLength = 16_384
const aggregations = new Set(['sum', 'avg', 'min', 'max', 'count'])
const operators = new Set(['+', '-', '*', '/', '%', '^', '==', '!=', '>', '<', '>=', '<=', 'and', 'or', 'unless'])

/** @throws QueryError for text that is no PromQL, or is outside the subset */
export function parseQuery(query: string): Expression {
  if (query.trim() === '') throw new QueryError('the query is empty')
  if (query.length > maximumQueryLength)
    throw new QueryError(`the query is longer than ${maximumQueryLength} characters`)
  const tree = parser.parse(query)
  tree.iterate({
    enter(node) {
      if (node.type.isError)
        throw new QueryError(`parse error at position ${node.from}: "${query.slice(node.from, node.from + 20)}"`)
    },
  })
  const root = tree.topNode.firstChild
  if (!root) throw new QueryError('the query is empty')
  return new Reader(query).expression(root)
}

class Reader {
  readonly #query: string

  constructor(query: string) {
    this.#query = query
  }

  #text(node: SyntaxNode): string {
    return this.#query.slice(node.from, node.to)
  }

  expression(node: SyntaxNode): Expression {
    switch (node.name) {
      case 'NumberDurationLiteral':
        return {kind: 'number', value: this.#number(this.#text(node))}
      case 'VectorSelector':
        return this.#selector(node)
      case 'MatrixSelector':
        return this.#range(node)
      case 'ParenExpr':
        return this.expression(only(node))
      case 'UnaryExpr': {
        const operand = this.expression(last(node))
        return this.#text(node).startsWith('-') ? {kind: 'negation', operand} : operand
      }
      case 'OffsetExpr':
        return this.#offset(node)
      case 'FunctionCall':
        return this.#call(node)
      case 'AggregateExpr':
        return this.#aggregate(node)
      case 'BinaryExpr':
        return this.#binary(node)
      default:
        throw unsupported(`${node.name} ("${this.#text(node).slice(0, 60)}")`)
    }
  }

  #number(text: string): number {
    if (/^nan$/i.test(text)) return Number.NaN
    if (/^[+]?inf$/i.test(text)) return Number.POSITIVE_INFINITY
    const value = Number(text)
    if (Number.isNaN(value)) throw unsupported(`the number "${text}"`)
    return value
  }

  #selector(node: SyntaxNode): Expression & {kind: 'selector'} {
    const matchers: Matcher[] = []
    const name = node.getChild('Identifier')
    if (name) matchers.push({label: '__name__', operator: '=', value: this.#text(name)})
    for (const child of children(node.getChild('LabelMatchers'))) {
      if (child.name !== 'UnquotedLabelMatcher') throw unsupported(child.name)
      const [label, operator, value] = children(child)
      if (!label || !operator || !value) throw new QueryError('a label matcher needs a label, an operator and a value')
      matchers.push(matcherOf(this.#text(label), this.#text(operator), unquote(this.#text(value))))
    }
    if (matchers.every(matcher => accepts(matcher, {}))) {
      throw new QueryError('a selector needs a name, or a matcher that an empty label does not meet')
    }
    return {kind: 'selector', matchers, offsetMilliseconds: 0}
  }

  #range(node: SyntaxNode): Expression {
    const [inner, duration] = children(node)
    if (inner?.name !== 'VectorSelector' || !duration) throw unsupported(this.#text(node))
    return {kind: 'range', selector: this.#selector(inner), milliseconds: durationOf(this.#text(duration))}
  }

  #offset(node: SyntaxNode): Expression {
    const inner = only(node)
    const offsetMilliseconds = durationOf(this.#text(last(node)))
    // This grammar lets an offset span the operation before it; Prometheus binds it to the selector. Where another operation
    // follows, the tree has lost which of the two binds tighter.
    const spans = rightmost(inner) !== inner
    if (spans && node.parent?.name === 'BinaryExpr' && node.parent.firstChild?.from === node.from && node.nextSibling) {
      throw unsupported('an offset between two operations without parentheses around its selector')
    }
    if (['VectorSelector', 'MatrixSelector'].includes(rightmost(inner).name)) {
      return withOffset(this.expression(inner), offsetMilliseconds)
    }
    throw new QueryError('offset belongs to a selector')
  }

  #call(node: SyntaxNode): Expression {
    const [name, body] = children(node)
    if (!name) throw new QueryError('a function needs a name')
    return {kind: 'call', name: this.#text(name), args: children(body).map(child => this.expression(child))}
  }

  #aggregate(node: SyntaxNode): Expression {
    const operator = this.#text(required(node, 'AggregateOp')).toLowerCase()
    if (!aggregations.has(operator)) throw unsupported(`the aggregation ${operator}`)
    const modifier = node.getChild('AggregateModifier')
    const grouping = children(modifier?.getChild('GroupingLabels')).map(child => this.#text(child))
    const [operand, ...more] = children(required(node, 'FunctionCallBody'))
    if (!operand || more.length > 0) throw new QueryError(`${operator} takes one argument`)
    return {
      kind: 'aggregate',
      operator,
      operand: this.expression(operand),
      grouping,
      without: modifier?.getChild('Without') !== null && modifier !== null,
    }
  }

  #binary(node: SyntaxNode): Expression {
    const parts = children(node)
    const [left, operator] = parts
    const right = parts.at(-1)
    if (!left || !operator || !right) throw new QueryError('a binary operator needs two operands')
    const sign = this.#text(operator).toLowerCase()
    if (!operators.has(sign)) throw unsupported(`the operator ${sign}`)
    const clause = node.getChild('MatchingModifierClause')
    if (clause?.getChild('GroupLeft') || clause?.getChild('GroupRight')) throw unsupported('group_left and group_right')
    const labels = children(clause?.getChild('GroupingLabels')).map(child => this.#text(child))
    // Prometheus binds ^ tighter than a sign before it; this grammar reads the sign as part of a number.
    const base = this.expression(left)
    const negated = sign === '^' && base.kind === 'number' && this.#text(left).startsWith('-')
    const result: Expression = {
      kind: 'binary',
      operator: sign,
      left: negated ? {kind: 'number', value: -base.value} : base,
      right: this.expression(right),
      bool: node.getChild('BoolModifier') !== null,
      matching: {mode: clause?.getChild('On') ? 'on' : 'ignoring', labels},
    }
    return negated ? {kind: 'negation', operand: result} : result
  }
}

function rightmost(node: SyntaxNode): SyntaxNode {
  return node.name === 'BinaryExpr' || node.name === 'UnaryExpr' ? rightmost(last(node)) : node
}

function withOffset(expression: Expression, offsetMilliseconds: number): Expression {
  switch (expression.kind) {
    case 'selector':
      return {...expression, offsetMilliseconds}
    case 'range':
      return {...expression, selector: {...expression.selector, offsetMilliseconds}}
    case 'binary':
      return {...expression, right: withOffset(expression.right, offsetMilliseconds)}
    case 'negation':
      return {...expression, operand: withOffset(expression.operand, offsetMilliseconds)}
    default:
      throw new QueryError('offset belongs to a selector')
  }
}

function children(node: SyntaxNode | null | undefined): SyntaxNode[] {
  const found: SyntaxNode[] = []
  for (let child = node?.firstChild ?? null; child; child = child.nextSibling) found.push(child)
  return found
}

function only(node: SyntaxNode): SyntaxNode {
  const child = node.firstChild
  if (!child) throw new QueryError(`${node.name} is empty`)
  return child
}

function last(node: SyntaxNode): SyntaxNode {
  const child = node.lastChild
  if (!child) throw new QueryError(`${node.name} is empty`)
  return child
}

function required(node: SyntaxNode, name: string): SyntaxNode {
  const child = node.getChild(name)
  if (!child) throw new QueryError(`${node.name} needs a ${name}`)
  return child
}

function matcherOf(label: string, operator: string, value: string): Matcher {
  if (operator === '=' || operator === '!=') return {label, operator, value}
  if (operator !== '=~' && operator !== '!~') throw unsupported(`the matcher ${operator}`)
  // RE2 has neither look-around nor back-references; JavaScript would take them for something else.
  if (/\(\?[^:]|\\[1-9]|\\[pPbBAzQE]/.test(value)) throw unsupported(`the regular expression "${value}"`)
  try {
    return {label, operator, value, pattern: new RegExp(`^(?:${value})$`, 's')}
  } catch {
    throw new QueryError(`"${value}" is not a regular expression`)
  }
}

function unquote(text: string): string {
  const body = text.slice(1, -1)
  if (text.startsWith('`')) return body
  return body.replace(/\\(.)/g, (_, escaped: string) => {
    const known: Record<string, string> = {n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', "'": "'"}
    const plain = known[escaped]
    if (plain === undefined) throw unsupported(`the escape \\${escaped}`)
    return plain
  })
}

const unitMilliseconds: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds of a PromQL duration such as 1m30s; a plain number is seconds. */
function durationOf(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  if (!/^(\d+(ms|s|m|h|d|w))+$/.test(text)) throw unsupported(`the duration ${text}`)
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/g))
    total += Number(amount) * (unitMilliseconds[unit ?? ''] ?? 0)
  if (total <= 0) throw new QueryError('duration must be greater than 0')
  return total
}
