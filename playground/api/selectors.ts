// Label and field selectors.
import type {KubeObject} from '../../crds/meta.ts'
import {type ApiError, badRequest} from './errors.ts'
import {getPath, type Value} from './objects.ts'
import type {ListOptions} from './types.ts'

/** Tells whether an object is selected. */
export type Predicate = (object: KubeObject) => boolean

interface Requirement {
  key: string
  operator: 'in' | 'notin' | 'exists' | '!' | '>' | '<'
  values: string[]
}

const requirementPattern =
  /^\s*(?:(!)\s*([^\s,!=()<>]+)|([^\s,!=()<>]+)(?:\s+(in|notin)\s*\(([^)]*)\)|\s*(==|=|!=|>|<)\s*([^\s,()]*))?)\s*(?:,|$)/

function parseLabelSelector(selector: string): Requirement[] {
  const requirements: Requirement[] = []
  let rest = selector
  while (rest.trim() !== '') {
    const match = requirementPattern.exec(rest)
    if (match === null) throw badRequest(`unable to parse requirement: "${rest.trim()}"`)
    rest = rest.slice(match[0].length)
    const [, , absent, key, setOperator, set, operator, value] = match
    if (absent !== undefined) requirements.push({key: absent, operator: '!', values: []})
    else if (key === undefined) throw badRequest(`unable to parse requirement: "${selector}"`)
    else if (setOperator !== undefined) {
      const values = (set ?? '').split(',').map(item => item.trim())
      requirements.push({key, operator: setOperator as 'in' | 'notin', values})
    } else if (operator === undefined) requirements.push({key, operator: 'exists', values: []})
    else {
      const kind = operator === '!=' ? 'notin' : operator === '>' || operator === '<' ? operator : 'in'
      requirements.push({key, operator: kind, values: [value ?? '']})
    }
  }
  return requirements
}

function satisfies(requirement: Requirement, value: string | undefined): boolean {
  const [first] = requirement.values
  switch (requirement.operator) {
    case 'in':
      return value !== undefined && requirement.values.includes(value)
    case 'notin':
      return value === undefined || !requirement.values.includes(value)
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case '>':
      return value !== undefined && Number(value) > Number(first)
    case '<':
      return value !== undefined && Number(value) < Number(first)
  }
}

/** The predicate of a label selector such as `a=b,c in (d,e),!f`. Throws 400 for a malformed one. */
function labelPredicate(selector: string): Predicate {
  const requirements = parseLabelSelector(selector)
  return object => requirements.every(item => satisfies(item, object.metadata.labels?.[item.key]))
}

const eventFields = [
  ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
    name => `involvedObject.${name}`,
  ),
  ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
    name => `regarding.${name}`,
  ),
  'reason',
  'type',
  'source',
  'reportingComponent',
  'reportingController',
]
const podFields = [
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'status.phase',
  'status.podIP',
]

function supportedFields(resource: string): string[] {
  const common = ['metadata.name', 'metadata.namespace']
  if (resource === 'pods') return [...common, ...podFields]
  if (resource === 'events' || resource === 'events.events.k8s.io') return [...common, ...eventFields]
  if (resource === 'namespaces') return [...common, 'status.phase']
  if (resource === 'secrets') return [...common, 'type']
  if (resource === 'nodes') return [...common, 'spec.unschedulable']
  if (resource === 'replicasets.apps') return [...common, 'status.replicas']
  return common
}

function readField(object: KubeObject, field: string): string {
  const value: Value = field === 'source' ? object['source']?.component : getPath(object, field.split('.'))
  return value === undefined || value === null ? '' : String(value)
}

// Kinds with fields of their own to select by say it in other words.
function unsupportedField(field: string, supported: readonly string[]): ApiError {
  if (supported.length > 2) return badRequest(`field label not supported: ${field}`)
  const known = supported.map(name => `"${name}"`).join(', ')
  return badRequest(`"${field}" is not a known field selector: only ${known}`)
}

/** The predicate of a field selector such as `metadata.name=x,status.phase!=Running`. Throws 400 for other fields. */
function fieldPredicate(resource: string, selector: string): Predicate {
  const supported = supportedFields(resource)
  const terms = selector
    .split(',')
    .filter(term => term.trim() !== '')
    .map(term => {
      const match = /^\s*([^=!\s]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(term)
      if (match === null) throw badRequest(`invalid field selector "${selector}"`)
      const [, field = '', operator, value] = match
      if (!supported.includes(field)) throw unsupportedField(field, supported)
      return {field, equal: operator !== '!=', value}
    })
  return object => terms.every(term => (readField(object, term.field) === term.value) === term.equal)
}

/** The predicate of everything that a list or a watch may be narrowed by. */
export function selectionPredicate(resource: string, options: ListOptions): Predicate {
  const {namespace, labelSelector = '', fieldSelector = ''} = options
  const predicates: Predicate[] = []
  if (namespace !== undefined && namespace !== '') predicates.push(object => object.metadata.namespace === namespace)
  if (labelSelector !== '') predicates.push(labelPredicate(labelSelector))
  if (fieldSelector !== '') predicates.push(fieldPredicate(resource, fieldSelector))
  return object => predicates.every(predicate => predicate(object))
}
