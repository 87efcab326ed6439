// Turns a CustomResourceDefinition into a resource that is served, or says why it can't be.
import type {KubeObject} from '../../crds/meta.ts'
import {compileRule} from './cel.ts'
import {nameColumn} from './columns.ts'
import {invalid, type StatusCause} from './errors.ts'
import {parseJsonPath} from './json-path.ts'
import {clone, isObject, type Value} from './objects.ts'
import {resourceId} from './resources.ts'
import {type Schema, text} from './schema.ts'
import {objectMeta} from './schemas-meta.ts'
import type {PrinterColumn, ResourceDefinition, ResourceVersion} from './types.ts'

const crdGroup = 'apiextensions.k8s.io'

class DefinitionReader {
  readonly causes: StatusCause[] = []

  refuse(field: string, message: string): void {
    this.causes.push({reason: 'FieldValueInvalid', field, message: `Invalid value: ${message}`})
  }

  attempt(field: string, action: () => void): void {
    try {
      action()
    } catch (error) {
      this.refuse(field, (error as Error).message)
    }
  }

  version(version: Value, path: string): ResourceVersion {
    const declared: Schema | undefined = version.schema?.openAPIV3Schema
    if (!isObject(declared)) this.refuse(`${path}.schema.openAPIV3Schema`, 'schemas are required')
    const schema = rootSchema(isObject(declared) ? declared : {})
    this.checkSchema(schema, `${path}.schema.openAPIV3Schema`, true)
    const {scale} = version.subresources ?? {}
    return {
      name: version.name,
      schema,
      columns: this.columns(version.additionalPrinterColumns ?? [], path),
      hasStatus: version.subresources?.status !== undefined,
      ...(scale === undefined ? {} : {scale}),
      ...(version.deprecated === true ? {deprecated: true} : {}),
    }
  }

  columns(declared: Value[], path: string): PrinterColumn[] {
    for (const [index, column] of declared.entries()) {
      this.attempt(`${path}.additionalPrinterColumns[${index}].jsonPath`, () => parseJsonPath(column.jsonPath))
    }
    return declared.length === 0 ? [] : [nameColumn, ...declared]
  }

  checkSchema(schema: Schema, path: string, isRoot = false): void {
    const open = schema['x-kubernetes-preserve-unknown-fields'] === true
    if (schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true && !open) {
      this.refuse(`${path}.type`, 'must not be empty for specified object fields')
    }
    if (schema.type === 'array' && schema.items === undefined) this.refuse(`${path}.items`, 'must be specified')
    if (schema['x-kubernetes-list-type'] === 'map' && schema['x-kubernetes-list-map-keys'] === undefined) {
      this.refuse(`${path}.x-kubernetes-list-map-keys`, 'is required if x-kubernetes-list-type is map')
    }
    if (schema.pattern !== undefined) {
      this.attempt(`${path}.pattern`, () => new RegExp(schema.pattern as string, 'u'))
    }
    for (const [index, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
      this.attempt(`${path}.x-kubernetes-validations[${index}].rule`, () => compileRule(rule.rule, schema))
      if (rule.messageExpression !== undefined) {
        this.refuse(`${path}.x-kubernetes-validations[${index}].messageExpression`, 'is not supported by this emulator')
      }
    }
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      if (!isRoot || !['apiVersion', 'kind', 'metadata'].includes(name))
        this.checkSchema(inner, `${path}.properties[${name}]`)
    }
    if (schema.items !== undefined) this.checkSchema(schema.items, `${path}.items`)
    if (isObject(schema.additionalProperties))
      this.checkSchema(schema.additionalProperties as Schema, `${path}.additionalProperties`)
  }
}

// Every object has a type and metadata, whatever its schema says of them.
function rootSchema(declared: Schema): Schema {
  const schema = clone(declared)
  return {...schema, properties: {...schema.properties, apiVersion: text, kind: text, metadata: objectMeta}}
}

/** The resource that a CustomResourceDefinition describes. Throws 422 with a cause for each fault. */
export function readDefinition(crd: KubeObject): ResourceDefinition {
  const {group, names, scope, versions = []} = crd['spec']
  const reader = new DefinitionReader()
  const id = resourceId(names.plural, group)
  if (crd.metadata.name !== id) {
    reader.refuse('metadata.name', `"${crd.metadata.name}": must be spec.names.plural+"."+spec.group`)
  }
  const served = versions.filter((version: Value) => version.served === true || version.storage === true)
  if (versions.filter((version: Value) => version.storage === true).length !== 1) {
    reader.refuse('spec.versions', 'must have exactly one version marked as storage version')
  }
  if (crd['spec'].conversion?.strategy === 'Webhook') {
    reader.refuse('spec.conversion.strategy', '"Webhook": this emulator converts between versions with None only')
  }
  const read: ResourceVersion[] = served.map((version: Value) =>
    reader.version(version, `spec.versions[${versions.indexOf(version)}]`),
  )
  if (reader.causes.length > 0) throw invalid(crdGroup, 'CustomResourceDefinition', crd.metadata.name, reader.causes)
  const storage = versions.find((version: Value) => version.storage === true).name
  read.sort((left, right) => Number(right.name === storage) - Number(left.name === storage))
  return {
    id,
    group,
    plural: names.plural,
    singular: names.singular,
    kind: names.kind,
    listKind: names.listKind,
    namespaced: scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    versions: read,
    custom: true,
    hasGeneration: true,
  }
}

/** The status of a definition that is served. */
export function establishedStatus(crd: KubeObject, timestamp: string): object {
  const condition = (type: string, reason: string, message: string) => {
    const existing = (crd['status']?.conditions ?? []).find(
      (item: Value) => item.type === type && item.status === 'True',
    )
    return existing ?? {type, status: 'True', reason, message, lastTransitionTime: timestamp}
  }
  return {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: crd['spec'].names,
    storedVersions: crd['spec'].versions
      .filter((version: Value) => version.storage)
      .map((version: Value) => version.name),
  }
}
