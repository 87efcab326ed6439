// A parser for the part of the Common Expression Language that the emulator evaluates. What is outside of it is a
// syntax error, so that a CRD is refused instead of a rule being passed in silence.

/** A parsed expression. */
export type Expression =
  | {kind: 'literal'; value: string | number | boolean | null}
  | {kind: 'name'; name: string}
  | {kind: 'select'; operand: Expression; field: string}
  | {kind: 'index'; operand: Expression; index: Expression}
  | {kind: 'has'; operand: Expression; field: string}
  | {kind: 'call'; function: string; target?: Expression; arguments: Expression[]}
  | {
      kind: 'macro'
      macro: 'all' | 'exists' | 'exists_one' | 'filter' | 'map'
      target: Expression
      variable: string
      body: Expression
    }
  | {kind: 'list'; items: Expression[]}
  | {kind: 'unary'; operator: '!' | '-'; operand: Expression}
  | {kind: 'binary'; operator: string; left: Expression; right: Expression}
  | {kind: 'conditional'; test: Expression; consequent: Expression; otherwise: Expression}

/** The refusal of an expression, at parse time or at evaluation. */
export class CelError extends Error {
  override readonly name = 'CelError'
}

interface Token {
  kind: 'number' | 'string' | 'name' | 'symbol' | 'end'
  text: string
}

const maximumExpressionLength = 4096
const maximumDepth = 50
const tokenPattern =
  /\s*(?:(\d+\.\d+|\d+)|('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|([A-Za-z_][A-Za-z0-9_]*)|(&&|\|\||==|!=|<=|>=|[-+<>!?:.,()[\]]))/y
const macros = new Set(['all', 'exists', 'exists_one', 'filter', 'map'])
/** Functions and methods, with the number of their arguments (the target of a method not counted). */
const functions = new Map([
  ['size', 1],
  ['int', 1],
  ['double', 1],
  ['string', 1],
])
const methods = new Map([
  ['size', 0],
  ['matches', 1],
  ['startsWith', 1],
  ['endsWith', 1],
  ['contains', 1],
])
const levels: string[][] = [['||'], ['&&'], ['==', '!=', '<', '<=', '>', '>=', 'in'], ['+', '-']]

function tokenize(source: string): Token[] {
  if (source.length > maximumExpressionLength)
    throw new CelError(`expression is longer than ${maximumExpressionLength}`)
  const tokens: Token[] = []
  const end = source.trimEnd().length
  let position = 0
  while (position < end) {
    tokenPattern.lastIndex = position
    const match = tokenPattern.exec(source)
    if (match === null) throw new CelError(`syntax error at "${source.slice(position, position + 20)}"`)
    position = tokenPattern.lastIndex
    const [, number, string, name, symbol] = match
    if (number !== undefined) tokens.push({kind: 'number', text: number})
    else if (string !== undefined) tokens.push({kind: 'string', text: unescape(string.slice(1, -1))})
    else if (name !== undefined) tokens.push({kind: 'name', text: name})
    else if (symbol !== undefined) tokens.push({kind: 'symbol', text: symbol})
  }
  tokens.push({kind: 'end', text: 'end of expression'})
  return tokens
}

function unescape(text: string): string {
  const escapes: Record<string, string> = {n: '\n', t: '\t', r: '\r'}
  return text.replace(/\\(.)/gs, (_, character: string) => {
    if (/[a-zA-Z0-9]/.test(character) && escapes[character] === undefined) {
      throw new CelError(`escape \\${character} is not supported`)
    }
    return escapes[character] ?? character
  })
}

class Parser {
  private position = 0
  private depth = 0
  private readonly tokens: Token[]

  constructor(tokens: Token[]) {
    this.tokens = tokens
  }

  parse(): Expression {
    const expression = this.conditional()
    if (this.peek().kind !== 'end') throw new CelError(`unexpected "${this.peek().text}"`)
    return expression
  }

  private peek(): Token {
    return this.tokens[this.position] as Token
  }

  private take(symbol: string): boolean {
    const token = this.peek()
    if (token.text !== symbol || token.kind === 'string') return false
    this.position++
    return true
  }

  private expect(symbol: string): void {
    if (!this.take(symbol)) throw new CelError(`expected "${symbol}" before "${this.peek().text}"`)
  }

  private name(): string {
    const token = this.peek()
    if (token.kind !== 'name') throw new CelError(`expected a name before "${token.text}"`)
    this.position++
    return token.text
  }

  private conditional(): Expression {
    if (++this.depth > maximumDepth) throw new CelError(`expression is nested deeper than ${maximumDepth}`)
    const test = this.binary(0)
    let expression = test
    if (this.take('?')) {
      const consequent = this.binary(0)
      this.expect(':')
      expression = {kind: 'conditional', test, consequent, otherwise: this.conditional()}
    }
    this.depth--
    return expression
  }

  private binary(level: number): Expression {
    const operators = levels[level]
    if (operators === undefined) return this.unary()
    let left = this.binary(level + 1)
    for (;;) {
      const token = this.peek()
      if (token.kind === 'string' || !operators.includes(token.text)) return left
      this.position++
      left = {kind: 'binary', operator: token.text, left, right: this.binary(level + 1)}
    }
  }

  private unary(): Expression {
    let operators = ''
    while (this.take('!')) operators += '!'
    if (operators === '' && this.take('-')) operators = '-'
    let operand = this.member()
    for (const operator of operators) operand = {kind: 'unary', operator: operator as '!' | '-', operand}
    return operand
  }

  private member(): Expression {
    let operand = this.primary()
    for (;;) {
      if (this.take('.')) operand = this.selection(operand)
      else if (this.take('[')) {
        const index = this.conditional()
        this.expect(']')
        operand = {kind: 'index', operand, index}
      } else return operand
    }
  }

  private selection(operand: Expression): Expression {
    const field = this.name()
    if (!this.take('(')) return {kind: 'select', operand, field}
    if (macros.has(field)) return this.macro(field as 'all', operand)
    const expected = methods.get(field)
    if (expected === undefined) throw new CelError(`function "${field}" is not supported`)
    return {kind: 'call', function: field, target: operand, arguments: this.arguments(field, expected)}
  }

  private macro(macro: 'all' | 'exists' | 'exists_one' | 'filter' | 'map', target: Expression): Expression {
    const variable = this.name()
    this.expect(',')
    const body = this.conditional()
    this.expect(')')
    return {kind: 'macro', macro, target, variable, body}
  }

  private arguments(name: string, expected: number): Expression[] {
    const items = this.items(')')
    if (items.length !== expected) throw new CelError(`function "${name}" takes ${expected} arguments`)
    return items
  }

  private items(end: string): Expression[] {
    const items: Expression[] = []
    if (this.take(end)) return items
    do items.push(this.conditional())
    while (this.take(','))
    this.expect(end)
    return items
  }

  private primary(): Expression {
    const token = this.peek()
    this.position++
    if (token.kind === 'number') return {kind: 'literal', value: Number(token.text)}
    if (token.kind === 'string') return {kind: 'literal', value: token.text}
    if (token.kind === 'name') return this.named(token.text)
    if (token.text === '(') {
      const inner = this.conditional()
      this.expect(')')
      return inner
    }
    if (token.text === '[') return {kind: 'list', items: this.items(']')}
    throw new CelError(`unexpected "${token.text}"`)
  }

  private named(name: string): Expression {
    if (name === 'true' || name === 'false') return {kind: 'literal', value: name === 'true'}
    if (name === 'null') return {kind: 'literal', value: null}
    if (!this.take('(')) return {kind: 'name', name}
    if (name === 'has') {
      const operand = this.member()
      this.expect(')')
      if (operand.kind !== 'select') throw new CelError('has() takes a field selection such as self.a')
      return {kind: 'has', operand: operand.operand, field: operand.field}
    }
    const expected = functions.get(name)
    if (expected === undefined) throw new CelError(`function "${name}" is not supported`)
    return {kind: 'call', function: name, arguments: this.arguments(name, expected)}
  }
}

/** Parses an expression; throws {@link CelError} for what the emulator can't evaluate. */
export function parseExpression(source: string): Expression {
  return new Parser(tokenize(source)).parse()
}
