// The JSONPath of printer columns: fields, quoted fields, indices, `[*]`, and filters `[?(@.type=="Ready")]`.
import {deepEqual, isObject, type Value} from './objects.ts'

type Step =
  | {kind: 'field'; name: string}
  | {kind: 'index'; index: number}
  | {kind: 'all'}
  | {kind: 'filter'; path: Step[]; operator: '==' | '!='; value: Value}

const stepPattern =
  /\.([A-Za-z0-9_$-]+(?:\\\.[A-Za-z0-9_$/-]+)*)|\[(-?\d+)\]|\[(\*)\]|\.(\*)|\['([^']*)'\]|\["([^"]*)"\]|\[\?\(\s*@((?:\.[A-Za-z0-9_$-]+|\['[^']*'\])+)\s*(==|!=)\s*("(?:[^"\\]|\\.)*"|'[^']*'|true|false|-?\d+(?:\.\d+)?)\s*\)\]/y

/** Parses a path such as `.status.conditions[?(@.type=="Ready")].status`. Throws an Error for anything else. */
export function parseJsonPath(path: string): Step[] {
  const steps: Step[] = []
  const source = path.startsWith('.') || path.startsWith('[') ? path : `.${path}`
  let position = 0
  while (position < source.length) {
    stepPattern.lastIndex = position
    const match = stepPattern.exec(source)
    if (match === null) throw new Error(`JSONPath "${path}" is not supported at "${source.slice(position)}"`)
    position = stepPattern.lastIndex
    const [, field, index, every, each, single, double, filter, operator, literal = ''] = match
    const name = field?.replaceAll('\\.', '.') ?? single ?? double
    if (name !== undefined) steps.push({kind: 'field', name})
    else if (index !== undefined) steps.push({kind: 'index', index: Number(index)})
    else if (every !== undefined || each !== undefined) steps.push({kind: 'all'})
    else if (filter !== undefined) {
      const value = literal.startsWith("'") ? literal.slice(1, -1) : JSON.parse(literal)
      steps.push({kind: 'filter', path: parseJsonPath(filter), operator: operator as '==', value})
    }
  }
  return steps
}

/** All values that a path finds, in order. */
export function findAll(value: Value, steps: readonly Step[]): Value[] {
  let found = [value]
  for (const step of steps) found = found.flatMap(item => next(item, step))
  return found
}

function next(value: Value, step: Step): Value[] {
  if (step.kind === 'field') {
    return isObject(value) && Object.hasOwn(value, step.name) && value[step.name] !== undefined
      ? [value[step.name]]
      : []
  }
  const items: Value[] = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []
  if (step.kind === 'all') return items
  if (!Array.isArray(value)) return []
  if (step.kind === 'index') {
    const item = value.at(step.index)
    return item === undefined ? [] : [item]
  }
  return items.filter(item => {
    const [actual] = findAll(item, step.path)
    return actual !== undefined && deepEqual(actual, step.value) === (step.operator === '==')
  })
}
