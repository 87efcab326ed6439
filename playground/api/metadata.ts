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

function checkLabels(labels: Record<string, string>): StatusCause[] {
  const causes: StatusCause[] = []
  for (const [key, value] of Object.entries(labels)) {
    const name = key.slice(key.indexOf('/') + 1)
    if (!qualifiedNamePattern.test(key) || name.length > maximumLabelLength) {
      causes.push(
        wrong('metadata.labels', key, 'name part must consist of alphanumeric characters, and be at most 63 long'),
      )
    }
    if (typeof value !== 'string' || value.length > maximumLabelLength || !labelValuePattern.test(value)) {
      causes.push(
        wrong(
          'metadata.labels',
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

function checkTemplateLabels(object: KubeObject): StatusCause[] {
  const wanted: Record<string, string> = object['spec']?.selector?.matchLabels ?? {}
  const labels: Record<string, string> = object['spec']?.template?.metadata?.labels ?? {}
  const missing = Object.entries(wanted).some(([key, value]) => labels[key] !== value)
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
export function checkBuiltIn(resource: string, object: KubeObject): StatusCause[] {
  if (['deployments.apps', 'replicasets.apps', 'statefulsets.apps', 'daemonsets.apps'].includes(resource)) {
    return checkTemplateLabels(object)
  }
  if (resource === 'services' && object['spec']?.type !== 'ExternalName' && object['spec']?.clusterIP !== 'None') {
    return (object['spec']?.ports ?? []).length === 0 ? [required('spec.ports', 'at least one port is needed')] : []
  }
  return []
}
