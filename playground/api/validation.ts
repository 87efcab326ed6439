// Pruning and validation against a structural schema, with the messages that the API server gives.
import {evaluateRule, type Rule} from './cel.ts'
import type {StatusCause} from './errors.ts'
import {deepEqual, isObject, setOwn, type Value} from './objects.ts'
import {fieldSchema, keepsUnknownFields, type Schema, type ValidationRule} from './schema.ts'

/** Causes are reported up to this number. */
const maximumCauses = 50

/** A copy without undeclared fields, and without nulls where none are allowed. Names what was dropped in `unknown`. */
export function prune(value: Value, schema: Schema | undefined, path: string, unknown: string[]): Value {
  if (schema === undefined) return value
  if (Array.isArray(value)) return value.map((item, index) => prune(item, schema.items, `${path}[${index}]`, unknown))
  if (!isObject(value)) return value
  const kept: Record<string, Value> = {}
  for (const [field, item] of Object.entries(value)) {
    const inner = fieldSchema(schema, field)
    const innerPath = path === '' ? field : `${path}.${field}`
    if (item === undefined) continue
    if (inner !== undefined) {
      if (item !== null || inner.nullable === true) setOwn(kept, field, prune(item, inner, innerPath, unknown))
    } else if (keepsUnknownFields(schema) || isTypeOrMetadata(schema, field)) setOwn(kept, field, item)
    else unknown.push(innerPath)
  }
  return kept
}

function isTypeOrMetadata(schema: Schema, field: string): boolean {
  return schema['x-kubernetes-embedded-resource'] === true && ['apiVersion', 'kind', 'metadata'].includes(field)
}

/** Said beside errors after which the API server evaluates no rules. */
const uncheckedRules: StatusCause = {
  reason: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
}
const blocking: ReadonlySet<string> = new Set([
  ...[
    'FieldValueRequired',
    'FieldValueTooLong',
    'FieldValueTooMany',
    'FieldValueTypeInvalid',
    'FieldValueNotSupported',
  ],
])

/** Without maps and lists that hold nothing: built-in kinds do not keep them. */
export function withoutEmpty(value: Value, schema: Schema | undefined): Value {
  if (schema === undefined || keepsUnknownFields(schema)) return value
  if (Array.isArray(value)) return value.map(item => withoutEmpty(item, schema.items))
  if (!isObject(value)) return value
  const kept: Record<string, Value> = {}
  for (const [field, item] of Object.entries(value)) {
    const inner = fieldSchema(schema, field)
    const isMap = inner?.properties === undefined && inner?.additionalProperties !== undefined
    const holdsNothing = Array.isArray(item)
      ? item.length === 0
      : isMap && isObject(item) && Object.keys(item).length === 0
    if (!holdsNothing) setOwn(kept, field, withoutEmpty(item, inner))
  }
  return kept
}

/** Looks up the compiled form of a rule. */
export type RuleLookup = (rule: ValidationRule, schema: Schema) => Rule

/** Collects what is wrong with a value; `old` is the stored value at the same place, on an update. */
export class Validator {
  /** What the schema refuses. */
  readonly causes: StatusCause[] = []
  /** What its rules refuse; they count only where the schema refused nothing that blocks them. */
  private readonly ruleCauses: StatusCause[] = []
  private readonly rules: RuleLookup

  constructor(rules: RuleLookup) {
    this.rules = rules
  }

  validate(value: Value, schema: Schema | undefined, path: string, old?: Value): void {
    if (schema === undefined || value === undefined || this.causes.length >= maximumCauses) return
    if (value === null && schema.nullable === true) return
    const typed = this.validateType(value, schema, path)
    if (schema.enum !== undefined && !schema.enum.some(option => deepEqual(option, value))) {
      const options = schema.enum.map(option => JSON.stringify(option)).join(', ')
      this.add(
        'FieldValueNotSupported',
        path,
        `Unsupported value: ${JSON.stringify(value)}: supported values: ${options}`,
      )
    }
    if (!typed) return
    if (typeof value === 'number') this.validateNumber(value, schema, path)
    if (typeof value === 'string') this.validateString(value, schema, path)
    if (Array.isArray(value)) this.validateList(value, schema, path, old)
    else if (isObject(value)) this.validateObject(value, schema, path, old)
    this.validateCombinations(value, schema, path)
    this.validateRules(value, schema, path, old)
  }

  /** All causes together. */
  findings(schema: Schema): StatusCause[] {
    if (!this.causes.some(({reason}) => blocking.has(reason))) return [...this.causes, ...this.ruleCauses]
    return JSON.stringify(schema).includes('x-kubernetes-validations') ? [...this.causes, uncheckedRules] : this.causes
  }

  private add(reason: string, field: string, message: string): void {
    this.causes.push(causeOf(reason, field, message))
  }

  private invalid(path: string, value: Value, why: string): void {
    this.causes.push(invalidValue(path, value, why))
  }

  private validateType(value: Value, schema: Schema, path: string): boolean {
    const actual = typeName(value)
    if (schema['x-kubernetes-int-or-string'] === true) {
      if (actual === 'integer' || actual === 'string' || actual === 'number') return true
    } else if (schema.type === undefined || schema.type === actual) return true
    else if (schema.type === 'number' && actual === 'integer') return true
    const wanted = schema.type ?? 'integer or string'
    const message = `Invalid value: "${actual}": ${path} in body must be of type ${wanted}: "${actual}"`
    this.add('FieldValueTypeInvalid', path, message)
    return false
  }

  /** The types alone, of a value and all that it holds. */
  validateTypes(value: Value, schema: Schema | undefined, path: string): void {
    if (schema === undefined || value === undefined || value === null) return
    if (!this.validateType(value, schema, path)) return
    if (Array.isArray(value)) for (const item of value) this.validateTypes(item, schema.items, path)
    else if (isObject(value)) {
      for (const [field, item] of Object.entries(value)) this.validateTypes(item, fieldSchema(schema, field), field)
    }
  }

  private validateNumber(value: number, schema: Schema, path: string): void {
    const {minimum, maximum, multipleOf} = schema
    if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
      const how = schema.exclusiveMinimum === true ? 'greater than' : 'greater than or equal to'
      this.invalid(path, value, `${path} in body should be ${how} ${minimum}`)
    }
    if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
      const how = schema.exclusiveMaximum === true ? 'less than' : 'less than or equal to'
      this.invalid(path, value, `${path} in body should be ${how} ${maximum}`)
    }
    if (multipleOf !== undefined && value % multipleOf !== 0) {
      this.invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`)
    }
  }

  private validateString(value: string, schema: Schema, path: string): void {
    const length = Array.from(value).length
    if (schema.minLength !== undefined && length < schema.minLength) {
      this.invalid(path, value, `${path} in body should be at least ${schema.minLength} chars long`)
    }
    if (schema.maxLength !== undefined && length > schema.maxLength) {
      this.add('FieldValueTooLong', path, `Too long: may not be more than ${schema.maxLength} bytes`)
    }
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
      this.invalid(path, value, `${path} in body should match '${schema.pattern}'`)
    }
    if (schema.format === 'date-time' && Number.isNaN(Date.parse(value))) {
      this.invalid(path, value, `${path} in body must be of type date-time: ${JSON.stringify(value)}`)
    }
  }

  private validateList(value: Value[], schema: Schema, path: string, old: Value): void {
    if (schema.minItems !== undefined && value.length < schema.minItems) {
      this.invalid(path, value.length, `${path} in body should have at least ${schema.minItems} items`)
    }
    if (schema.maxItems !== undefined && value.length > schema.maxItems) {
      this.add('FieldValueTooMany', path, `Too many: ${value.length}: must have at most ${schema.maxItems} items`)
      return
    }
    const keys = schema['x-kubernetes-list-map-keys']
    const keyOf = (item: Value) =>
      JSON.stringify(
        keys === undefined ? item : keys.map(key => item?.[key] ?? schema.items?.properties?.[key]?.default),
      )
    const unique = schema['x-kubernetes-list-type'] === 'set' || (schema['x-kubernetes-list-type'] === 'map' && keys)
    const seen = new Set<string>()
    for (const [index, item] of value.entries()) {
      const key = keyOf(item)
      if (unique && seen.has(key))
        this.add('FieldValueDuplicate', `${path}[${index}]`, `Duplicate value: ${describeKey(item, keys)}`)
      seen.add(key)
      // Transition rules reach into lists only where items have an identity.
      const previous = keys !== undefined && Array.isArray(old) ? old.find(other => keyOf(other) === key) : undefined
      this.validate(item, schema.items, `${path}[${index}]`, previous)
    }
  }

  private validateObject(value: Record<string, Value>, schema: Schema, path: string, old: Value): void {
    const count = Object.keys(value).length
    if (schema.maxProperties !== undefined && count > schema.maxProperties) {
      this.add('FieldValueTooMany', path, `Too many: ${count}: must have at most ${schema.maxProperties} items`)
    }
    if (schema.minProperties !== undefined && count < schema.minProperties) {
      this.invalid(path, count, `${path} in body should have at least ${schema.minProperties} properties`)
    }
    for (const field of schema.required ?? []) {
      if (value[field] === undefined)
        this.add('FieldValueRequired', path === '' ? field : `${path}.${field}`, 'Required value')
    }
    for (const [field, item] of Object.entries(value)) {
      const named = schema.properties !== undefined && Object.hasOwn(schema.properties, field)
      const inner = path === '' ? field : named ? `${path}.${field}` : `${path}[${field}]`
      this.validate(item, fieldSchema(schema, field), inner, isObject(old) ? old[field] : undefined)
    }
  }

  private matches(value: Value, schema: Schema): boolean {
    const attempt = new Validator(this.rules)
    attempt.validate(value, schema, '')
    return attempt.causes.length === 0
  }

  private validateCombinations(value: Value, schema: Schema, path: string): void {
    for (const part of schema.allOf ?? []) this.validate(value, part, path)
    if (schema.anyOf !== undefined && !schema.anyOf.some(part => this.matches(value, part))) {
      this.invalid(path, value, `${path} in body must validate at least one schema (anyOf)`)
    }
    if (schema.oneOf !== undefined && schema.oneOf.filter(part => this.matches(value, part)).length !== 1) {
      this.invalid(path, value, `${path} in body must validate one and only one schema (oneOf)`)
    }
    if (schema.not !== undefined && this.matches(value, schema.not)) {
      this.invalid(path, value, `${path} in body must not validate the schema (not)`)
    }
  }

  private validateRules(value: Value, schema: Schema, path: string, old: Value): void {
    for (const declared of schema['x-kubernetes-validations'] ?? []) {
      const rule = this.rules(declared, schema)
      if (rule.transition && old === undefined) continue
      const where = declared.fieldPath === undefined ? path : `${path}${declared.fieldPath}`
      try {
        if (evaluateRule(rule, value, old)) continue
        this.ruleCauses.push(invalidValue(where, value, declared.message ?? `failed rule: ${declared.rule}`))
      } catch (error) {
        const message = `${(error as Error).message} evaluating rule: ${declared.message ?? declared.rule}`
        this.ruleCauses.push(invalidValue(where, value, message))
      }
    }
  }
}

/** What of a value has another type than its schema says, with nothing else checked. */
export function wrongTypes(value: Value, schema: Schema): string[] {
  const validator = new Validator(() => {
    throw new Error('a rule was asked for where only types are checked')
  })
  validator.validateTypes(value, schema, '')
  return validator.causes.map(({message}) => message)
}

function causeOf(reason: string, field: string, message: string): StatusCause {
  return {reason, message, field: field === '' ? '<nil>' : field}
}

function invalidValue(path: string, value: Value, why: string): StatusCause {
  const shown = typeof value === 'object' ? JSON.stringify(typeName(value)) : JSON.stringify(value)
  return causeOf('FieldValueInvalid', path, `Invalid value: ${shown}: ${why}`)
}

function describeKey(item: Value, keys: string[] | undefined): string {
  if (keys === undefined) return JSON.stringify(item)
  return JSON.stringify(Object.fromEntries(keys.map(key => [key, item?.[key]])))
}

function typeName(value: Value): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}
