// Evaluates validation rules (x-kubernetes-validations), and checks them against a schema when a CRD is created.
import {CelError, type Expression, parseExpression} from './cel-parser.ts'
import {deepEqual, isObject, type Value} from './objects.ts'
import type {Schema} from './schema.ts'

type Scope = ReadonlyMap<string, Value>
type Types = ReadonlyMap<string, Schema | undefined>

/** A compiled rule. */
export interface Rule {
  expression: Expression
  /** Rules that name oldSelf run on updates only. */
  transition: boolean
}

/** Parses a rule and checks its names and fields against the schema of `self`; throws {@link CelError}. */
export function compileRule(source: string, self: Schema): Rule {
  const expression = parseExpression(source)
  const seen = new Set<string>()
  const types = new Map<string, Schema | undefined>([
    ['self', self],
    ['oldSelf', self],
  ])
  inferType(expression, types, seen)
  return {expression, transition: seen.has('oldSelf')}
}

/** Evaluates a rule. Throws {@link CelError} where the expression has no value, or not a boolean one. */
export function evaluateRule(rule: Rule, self: Value, oldSelf: Value): boolean {
  const result = evaluate(
    rule.expression,
    new Map([
      ['self', self],
      ['oldSelf', oldSelf],
    ]),
  )
  if (typeof result !== 'boolean') throw new CelError('rule does not evaluate to a boolean')
  return result
}

function fieldType(type: Schema | undefined, field: string): Schema | undefined {
  if (type?.type === undefined) return undefined
  if (type.type !== 'object') throw new CelError(`type '${type.type}' does not support field selection of '${field}'`)
  const declared = type.properties?.[field]
  if (declared !== undefined) return declared
  if (typeof type.additionalProperties === 'object') return type.additionalProperties
  throw new CelError(`undefined field '${field}'`)
}

function macroType(expression: Expression & {kind: 'macro'}, types: Types, seen: Set<string>): Schema | undefined {
  const target = inferType(expression.target, types, seen)
  const element = target?.type === 'array' ? target.items : target?.type === 'object' ? {type: 'string'} : undefined
  const body = inferType(expression.body, new Map([...types, [expression.variable, element]]), seen)
  if (expression.macro === 'filter') return target
  if (expression.macro === 'map') return {type: 'array', ...(body === undefined ? {} : {items: body})}
  return {type: 'boolean'}
}

// The type of an expression as far as it is known; undefined is `dyn`.
function inferType(expression: Expression, types: Types, seen: Set<string>): Schema | undefined {
  const infer = (part: Expression) => inferType(part, types, seen)
  switch (expression.kind) {
    case 'literal':
      return undefined
    case 'name':
      if (!types.has(expression.name)) throw new CelError(`undeclared reference to '${expression.name}'`)
      seen.add(expression.name)
      return types.get(expression.name)
    case 'select':
      return fieldType(infer(expression.operand), expression.field)
    case 'has':
      fieldType(infer(expression.operand), expression.field)
      return {type: 'boolean'}
    case 'index': {
      infer(expression.index)
      const operand = infer(expression.operand)
      return operand?.type === 'array' ? operand.items : undefined
    }
    case 'call':
      if (expression.target !== undefined) infer(expression.target)
      expression.arguments.forEach(infer)
      return undefined
    case 'macro':
      return macroType(expression, types, seen)
    case 'list': {
      const items = expression.items.map(infer)
      return {type: 'array', ...(items[0] === undefined ? {} : {items: items[0]})}
    }
    case 'unary':
      return infer(expression.operand)
    case 'binary':
      infer(expression.left)
      infer(expression.right)
      return undefined
    case 'conditional':
      infer(expression.test)
      infer(expression.consequent)
      infer(expression.otherwise)
      return undefined
  }
}

function evaluate(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'name':
      return scope.get(expression.name)
    case 'select':
      return select(evaluate(expression.operand, scope), expression.field)
    case 'has': {
      const operand = evaluate(expression.operand, scope)
      return isObject(operand) && Object.hasOwn(operand, expression.field) && operand[expression.field] !== undefined
    }
    case 'index':
      return select(evaluate(expression.operand, scope), evaluate(expression.index, scope))
    case 'call':
      return call(expression, scope)
    case 'macro':
      return comprehend(expression, scope)
    case 'list':
      return expression.items.map(item => evaluate(item, scope))
    case 'unary':
      return expression.operator === '!'
        ? !boolean(evaluate(expression.operand, scope))
        : -number(evaluate(expression.operand, scope))
    case 'binary':
      return binary(expression, scope)
    case 'conditional':
      return boolean(evaluate(expression.test, scope))
        ? evaluate(expression.consequent, scope)
        : evaluate(expression.otherwise, scope)
  }
}

function select(operand: Value, key: Value): Value {
  const selectable = isObject(operand) || (Array.isArray(operand) && typeof key === 'number')
  const holder: Value = selectable ? operand : {}
  if (Object.hasOwn(holder, key) && holder[key] !== undefined) return holder[key]
  throw new CelError(`no such key: ${key}`)
}

function boolean(value: Value): boolean {
  if (typeof value !== 'boolean') throw new CelError('no such overload: a boolean is needed')
  return value
}

function number(value: Value): number {
  if (typeof value !== 'number') throw new CelError('no such overload: a number is needed')
  return value
}

function string(value: Value): string {
  if (typeof value !== 'string') throw new CelError('no such overload: a string is needed')
  return value
}

function size(value: Value): number {
  if (typeof value === 'string') return Array.from(value).length
  if (Array.isArray(value)) return value.length
  if (isObject(value)) return Object.keys(value).length
  throw new CelError('no such overload: size() takes a string, a list or a map')
}

function toInteger(value: Value): number {
  const result = Math.trunc(Number(value))
  if (!Number.isSafeInteger(result) || value === '')
    throw new CelError(`cannot convert ${JSON.stringify(value)} to int`)
  return result
}

function call(expression: Expression & {kind: 'call'}, scope: Scope): Value {
  const values = expression.arguments.map(argument => evaluate(argument, scope))
  const target = expression.target === undefined ? values[0] : evaluate(expression.target, scope)
  switch (expression.function) {
    case 'size':
      return size(target)
    case 'int':
      return toInteger(target)
    case 'double':
      return Number(target)
    case 'string':
      return String(target)
    case 'matches':
      return new RegExp(string(values[0])).test(string(target))
    case 'startsWith':
      return string(target).startsWith(string(values[0]))
    case 'endsWith':
      return string(target).endsWith(string(values[0]))
    case 'contains':
      return string(target).includes(string(values[0]))
    default:
      throw new CelError(`function "${expression.function}" is not supported`)
  }
}

function comprehend(expression: Expression & {kind: 'macro'}, scope: Scope): Value {
  const target = evaluate(expression.target, scope)
  const items: Value[] = Array.isArray(target) ? target : isObject(target) ? Object.keys(target) : []
  if (!Array.isArray(target) && !isObject(target)) throw new CelError(`${expression.macro}() takes a list or a map`)
  const body = (item: Value) => evaluate(expression.body, new Map([...scope, [expression.variable, item]]))
  switch (expression.macro) {
    case 'all':
      return items.every(item => boolean(body(item)))
    case 'exists':
      return items.some(item => boolean(body(item)))
    case 'exists_one':
      return items.filter(item => boolean(body(item))).length === 1
    case 'filter':
      return items.filter(item => boolean(body(item)))
    case 'map':
      return items.map(body)
  }
}

// && and || absorb an error of one side when the other decides.
function logical(expression: Expression & {kind: 'binary'}, scope: Scope): boolean {
  const deciding = expression.operator === '||'
  let failure: Error | undefined
  try {
    if (boolean(evaluate(expression.left, scope)) === deciding) return deciding
  } catch (error) {
    failure = error as Error
  }
  if (boolean(evaluate(expression.right, scope)) === deciding) return deciding
  if (failure !== undefined) throw failure
  return !deciding
}

function binary(expression: Expression & {kind: 'binary'}, scope: Scope): Value {
  const {operator} = expression
  if (operator === '&&' || operator === '||') return logical(expression, scope)
  const left = evaluate(expression.left, scope)
  const right = evaluate(expression.right, scope)
  if (operator === '==') return deepEqual(left, right)
  if (operator === '!=') return !deepEqual(left, right)
  if (operator === 'in')
    return Array.isArray(right)
      ? right.some(item => deepEqual(item, left))
      : isObject(right) && Object.hasOwn(right, left)
  if (operator === '+' && Array.isArray(left) && Array.isArray(right)) return [...left, ...right]
  if (operator === '+' && typeof left === 'string') return left + string(right)
  if (operator === '+') return number(left) + number(right)
  if (operator === '-') return number(left) - number(right)
  if (typeof left !== typeof right || typeof left === 'object') throw new CelError(`no such overload: ${operator}`)
  if (operator === '<') return left < right
  if (operator === '<=') return left <= right
  return operator === '>' ? left > right : left >= right
}
