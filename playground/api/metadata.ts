// Rules for names, labels and finalizers, and fields of built-in kinds that never change.
import type {KubeObject} from '../../crds/meta.ts'
import type {StatusCause} from './errors.ts'
import {deepEqual, getPath} from './objects.ts'
import type {ResourceDefinition} from './types.ts'

const subdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const labelPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const serviceNamePattern = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const labelValuePattern = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/
const qualifiedNamePattern = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const configKeyPattern = /^[-._a-zA-Z0-9]{1,253}$/
const base64Pattern = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const maximumSubdomainLength = 253
const maximumLabelLength = 63
const maximumAnnotationBytes = 256 * 1024

const immutableFields: Readonly<Record<string, string[]>> = {
  'deployments.apps': ['spec.selector'],
  'replicasets.apps': ['spec.selector'],
  'statefulsets.apps': ['spec.selector', 'spec.serviceName', 'spec.podManagementPolicy', 'spec.volumeClaimTemplates'],
  'daemonsets.apps': ['spec.selector'],
  'controllerrevisions.apps': ['data'],
  'endpointslices.discovery.k8s.io': ['addressType'],
  secrets: ['type'],
  'customresourcedefinitions.apiextensions.k8s.io': [
    'spec.group',
    'spec.scope',
    'spec.names.plural',
    'spec.names.kind',
  ],
}

function required(field: string, message: string): StatusCause {
  return {reason: 'FieldValueRequired', field, message: `Required value: ${message}`}
}

function wrong(field: string, value: unknown, message: string): StatusCause {
  return {reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${message}`}
}

function checkName(definition: ResourceDefinition, name: string): StatusCause[] {
  if (!name) return [required('metadata.name', 'name or generateName is required')]
  const isLabel = definition.id === 'namespaces' || definition.id === 'services'
  const pattern = definition.id === 'services' ? serviceNamePattern : isLabel ? labelPattern : subdomainPattern
  const maximum = isLabel ? maximumLabelLength : maximumSubdomainLength
  if (name.length > maximum) return [wrong('metadata.name', name, `must be no more than ${maximum} characters`)]
  if (pattern.test(name)) return []
  const form = isLabel ? 'a DNS-1123 label' : 'a lowercase RFC 1123 subdomain'
  return [wrong('metadata.name', name, `${form} must consist of lower case alphanumeric characters, '-' or '.'`)]
}

function checkLabels(labels: Record<string, string>, field = 'metadata.labels'): StatusCause[] {
  const causes: StatusCause[] = []
  for (const [key, value] of Object.entries(labels)) {
    const name = key.slice(key.indexOf('/') + 1)
    if (!qualifiedNamePattern.test(key) || name.length > maximumLabelLength) {
      causes.push(wrong(field, key, 'name part must consist of alphanumeric characters, and be at most 63 long'))
    }
    if (typeof value !== 'string' || value.length > maximumLabelLength || !labelValuePattern.test(value)) {
      causes.push(
        wrong(
          field,
          value,
          'a valid label must be an empty string or consist of at most 63 alphanumeric characters, "-", "_" or "."',
        ),
      )
    }
  }
  return causes
}

/** What is wrong with the metadata of a candidate. */
export function checkMetadata(
  definition: ResourceDefinition,
  object: KubeObject,
  old: KubeObject | undefined,
): StatusCause[] {
  const {metadata} = object
  const causes = [
    ...(old === undefined ? checkName(definition, metadata.name) : []),
    ...checkLabels(metadata.labels ?? {}),
  ]
  const annotations = Object.entries(metadata.annotations ?? {})
  const bytes = annotations.reduce((sum, [key, value]) => sum + key.length + String(value).length, 0)
  if (bytes > maximumAnnotationBytes) {
    causes.push({
      reason: 'FieldValueTooLong',
      field: 'metadata.annotations',
      message: `Too long: may not be more than ${maximumAnnotationBytes} bytes`,
    })
  }
  for (const finalizer of metadata.finalizers ?? []) {
    if (!qualifiedNamePattern.test(finalizer))
      causes.push(wrong('metadata.finalizers', finalizer, 'must be a qualified name'))
  }
  if (old?.metadata.deletionTimestamp !== undefined) {
    const added = (metadata.finalizers ?? []).filter(item => !(old.metadata.finalizers ?? []).includes(item))
    if (added.length > 0) {
      const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`
      causes.push({reason: 'FieldValueForbidden', field: 'metadata.finalizers', message})
    }
  }
  return causes
}

/** What is wrong with the pod template that a workload runs. */
function checkWorkload(object: KubeObject): StatusCause[] {
  const pod = object['spec']?.template?.spec
  const path = 'spec.template.spec.containers'
  const imageless = (pod?.containers ?? []).flatMap(({image}: {image?: string}, index: number) =>
    image ? [] : [required(`${path}[${index}].image`, 'an image is needed')],
  )
  return [
    ...checkTemplateLabels(object),
    ...imageless,
    // Within a pod's spec the schema asks for them.
    ...(pod === undefined ? [required(path, 'at least one is needed')] : []),
  ]
}

function checkTemplateLabels(object: KubeObject): StatusCause[] {
  const {selector} = object['spec'] ?? {}
  const wanted: Record<string, string> = selector?.matchLabels ?? {}
  const labels: Record<string, string> = object['spec']?.template?.metadata?.labels ?? {}
  // No selector at all selects nothing, whatever the labels.
  const missing = selector === undefined || Object.entries(wanted).some(([key, value]) => labels[key] !== value)
  return missing ? [wrong('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')] : []
}

/** Changes to fields that never change, on an update. */
export function checkImmutable(resource: string, object: KubeObject, old: KubeObject): StatusCause[] {
  const causes: StatusCause[] = []
  for (const field of immutableFields[resource] ?? []) {
    const path = field.split('.')
    const value = getPath(object, path)
    if (!deepEqual(value, getPath(old, path))) causes.push(wrong(field, value, 'field is immutable'))
  }
  if (old['immutable'] === true && (resource === 'configmaps' || resource === 'secrets')) {
    const forbidden = (field: string) => ({
      reason: 'FieldValueForbidden',
      field,
      message: 'Forbidden: field is immutable when `immutable` is set',
    })
    if (object['immutable'] !== true) causes.push(forbidden('immutable'))
    for (const field of ['data', 'binaryData']) if (!deepEqual(object[field], old[field])) causes.push(forbidden(field))
  }
  const address = old['spec']?.clusterIP
  if (
    resource === 'services' &&
    address &&
    object['spec']?.type !== 'ExternalName' &&
    object['spec']?.clusterIP !== address
  ) {
    causes.push(wrong('spec.clusterIP', object['spec']?.clusterIP, 'field is immutable'))
  }
  return causes
}

/** Checks of built-in kinds that a schema can't express. */
export function checkBuiltIn(resource: string, object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  switch (resource) {
    case 'deployments.apps':
    case 'replicasets.apps':
    case 'statefulsets.apps':
    case 'daemonsets.apps':
      return checkWorkload(object)
    case 'services':
      return checkService(object)
    case 'configmaps':
    case 'secrets':
      return checkKeys(object)
    case 'leases.coordination.k8s.io':
      return checkPositive('spec.leaseDurationSeconds', object['spec']?.leaseDurationSeconds)
    case 'controllerrevisions.apps':
      return checkRevision(object, old)
    default:
      return []
  }
}

/** Whether bytes are written as base64 says; what is not can't even be read. */
export function unreadableBytes(object: KubeObject): string[] {
  const field = {ConfigMap: 'binaryData', Secret: 'data'}[object.kind]
  const values = field === undefined ? [] : Object.entries<string>(object[field] ?? {})
  return values.filter(([, value]) => !base64Pattern.test(value ?? '')).map(([key]) => `${field}.${key}`)
}

function checkRevision({data, revision}: KubeObject, old: KubeObject | undefined): StatusCause[] {
  return [
    // Later they are immutable, which says it all.
    ...(data === undefined && old === undefined ? [required('data', 'data is mandatory')] : []),
    ...(revision < 0 ? [wrong('revision', revision, 'must be greater than or equal to 0')] : []),
  ]
}

function checkPositive(field: string, value: number | undefined): StatusCause[] {
  return value !== undefined && value <= 0 ? [wrong(field, value, 'must be greater than 0')] : []
}

function checkKeys(object: KubeObject): StatusCause[] {
  return ['data', 'binaryData'].flatMap(field =>
    Object.keys(object[field] ?? {})
      .filter(key => !configKeyPattern.test(key))
      .map(key =>
        wrong(`${field}[${key}]`, key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"),
      ),
  )
}

function checkService(object: KubeObject): StatusCause[] {
  const {type, clusterIP, ports = [], selector = {}} = object['spec'] ?? {}
  const causes = checkLabels(selector, 'spec.selector')
  if (ports.length === 0 && type !== 'ExternalName' && clusterIP !== 'None') {
    causes.push(required('spec.ports', 'at least one port is needed'))
  }
  const names = new Set<string>()
  for (const [index, {name, targetPort}] of ports.entries()) {
    if (name && names.has(name)) {
      const message = `Duplicate value: ${JSON.stringify(name)}`
      causes.push({reason: 'FieldValueDuplicate', field: `spec.ports[${index}].name`, message})
    }
    names.add(name)
    if (!name && ports.length > 1) causes.push(required(`spec.ports[${index}].name`, 'several ports need names'))
    if (typeof targetPort === 'number' && !(targetPort >= 1 && targetPort <= 65535)) {
      causes.push(wrong(`spec.ports[${index}].targetPort`, targetPort, 'must be between 1 and 65535, inclusive'))
    }
  }
  return causes
}
