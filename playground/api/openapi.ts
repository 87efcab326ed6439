// OpenAPI v3: an index, and one document per group and version. kubectl reads it to validate, apply and explain.
import {createHash} from 'node:crypto'
import {servedGroups} from './discovery.ts'
import {pathNotFound} from './errors.ts'
import type {Registry} from './resources.ts'
import type {ResourceDefinition, ResourceVersion} from './types.ts'

const hashLength = 16

function documentKey(group: string, version: string): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`
}

/** The index of documents. Its hashes change with the documents, since kubectl caches them by address. */
export function openApiIndex(registry: Registry): object {
  const paths: Record<string, object> = {}
  for (const [group, versions] of servedGroups(registry)) {
    for (const version of versions.keys()) {
      const key = documentKey(group, version)
      const content = JSON.stringify(openApiDocument(registry, key))
      const hash = createHash('sha256').update(content).digest('hex').slice(0, hashLength)
      paths[key] = {serverRelativeURL: `/openapi/v3/${key}?hash=${hash}`}
    }
  }
  return {paths}
}

/** The document of one group and version, such as `apis/apps/v1`. Throws 404 for others. */
export function openApiDocument(registry: Registry, key: string): object {
  for (const [group, versions] of servedGroups(registry)) {
    for (const [name, served] of versions) {
      if (documentKey(group, name) !== key) continue
      const paths: Record<string, object> = {}
      const schemas: Record<string, object> = {}
      for (const {definition, version} of served) {
        Object.assign(paths, pathsOf(definition, version, key))
        const gvk = [{group, kind: definition.kind, version: name}]
        schemas[schemaName(definition, version)] = {...version.schema, 'x-kubernetes-group-version-kind': gvk}
      }
      return {openapi: '3.0.0', info: {title: 'API emulator', version: name}, paths, components: {schemas}}
    }
  }
  throw pathNotFound()
}

function schemaName(definition: ResourceDefinition, version: ResourceVersion): string {
  const {group, kind, custom} = definition
  if (custom) return [...group.split('.').reverse(), version.name, kind].join('.')
  return ['io.k8s.api', group === '' ? 'core' : (group.split('.')[0] ?? group), version.name, kind].join('.')
}

function queryParameter(name: string): object {
  return {name, in: 'query', schema: {type: 'string', uniqueItems: true}}
}

function pathsOf(definition: ResourceDefinition, version: ResourceVersion, key: string): Record<string, object> {
  const {group, kind, plural, namespaced} = definition
  const base = `/${key}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`
  const type = {'x-kubernetes-group-version-kind': {group, kind, version: version.name}}
  const reference = {$ref: `#/components/schemas/${schemaName(definition, version)}`}
  const responses = {200: {description: 'OK', content: {'application/json': {schema: reference}}}}
  const write = ['dryRun', 'fieldManager', 'fieldValidation'].map(queryParameter)
  const operation = (action: string, parameters: object[]) => ({
    operationId: `${action}${kind}`,
    parameters,
    responses,
    'x-kubernetes-action': action,
    ...type,
  })
  return {
    [base]: {get: operation('list', []), post: operation('post', write)},
    [`${base}/{name}`]: {
      get: operation('get', []),
      put: operation('put', write),
      patch: operation('patch', [...write, queryParameter('force')]),
      delete: operation('delete', [queryParameter('dryRun')]),
    },
  }
}
