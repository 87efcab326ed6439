// What the API says of itself: groups, versions, resources; aggregated and not.
import {pathNotFound} from './errors.ts'
import {apiVersionOf, type Registry} from './resources.ts'
import type {ResourceDefinition, ResourceVersion} from './types.ts'

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const subresourceVerbs = ['get', 'patch', 'update']

/** The version that the emulator reports; kubectl 1.27 to 1.33 all work with it. */
export const reportedVersion = {
  major: '1',
  minor: '33',
  gitVersion: 'v1.33.0+fairlead-emulator',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'emulator',
}

interface ServedVersion {
  definition: ResourceDefinition
  version: ResourceVersion
}

/** Resources by version, by group; the core group is ''. */
export function servedGroups(registry: Registry): Map<string, Map<string, ServedVersion[]>> {
  const groups = new Map<string, Map<string, ServedVersion[]>>()
  for (const definition of registry.all()) {
    const versions = groups.get(definition.group) ?? new Map<string, ServedVersion[]>()
    groups.set(definition.group, versions)
    for (const version of definition.versions) {
      versions.set(version.name, [...(versions.get(version.name) ?? []), {definition, version}])
    }
  }
  return groups
}

function subresources(version: ResourceVersion): string[] {
  return [...(version.hasStatus ? ['status'] : []), ...(version.scale === undefined ? [] : ['scale'])]
}

function aggregatedResource({definition, version}: ServedVersion): object {
  const {group, kind, plural, singular, namespaced, shortNames, categories} = definition
  const responseKind = {group, version: version.name, kind}
  const scaleKind = {group: 'autoscaling', version: 'v1', kind: 'Scale'}
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : {shortNames}),
    ...(categories.length === 0 ? {} : {categories}),
    subresources: subresources(version).map(subresource => ({
      subresource,
      responseKind: subresource === 'scale' ? scaleKind : responseKind,
      verbs: subresourceVerbs,
    })),
  }
}

/** The aggregated discovery of `/api` (core) or `/apis` (all other groups); version `v2` or `v2beta1`. */
export function aggregatedDiscovery(registry: Registry, root: 'api' | 'apis', version: string): object {
  const groups = [...servedGroups(registry)].filter(([group]) => (group === '') === (root === 'api'))
  const items = groups.map(([group, versions]) => ({
    metadata: group === '' ? {creationTimestamp: null} : {name: group, creationTimestamp: null},
    versions: [...versions].map(([name, served]) => ({
      version: name,
      resources: served.map(aggregatedResource),
      freshness: 'Current',
    })),
  }))
  return {kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items}
}

function groupObject(name: string, versions: Iterable<string>): object {
  const list = [...versions].map(version => ({groupVersion: apiVersionOf(name, version), version}))
  return {name, versions: list, preferredVersion: list[0]}
}

/** The plain discovery documents. Throws 404 for a group or version that isn't served. */
export function plainDiscovery(registry: Registry, path: string): object {
  const parts = path.split('/').filter(part => part !== '')
  const groups = servedGroups(registry)
  if (path === '/api') {
    const serverAddressByClientCIDRs = [{clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1'}]
    return {kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs}
  }
  if (path === '/apis') {
    const named = [...groups].filter(([name]) => name !== '')
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: named.map(([name, versions]) => groupObject(name, versions.keys())),
    }
  }
  const group = parts[0] === 'api' ? '' : (parts[1] ?? '')
  const versions = groups.get(group)
  if (versions === undefined) throw pathNotFound()
  if (parts[0] === 'apis' && parts.length === 2) {
    return {kind: 'APIGroup', apiVersion: 'v1', ...groupObject(group, versions.keys())}
  }
  const version = parts.at(-1) ?? ''
  const served = versions.get(version)
  if (served === undefined) throw pathNotFound()
  const resources = served.flatMap(plainResources)
  return {kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf(group, version), resources}
}

function plainResources({definition, version}: ServedVersion): object[] {
  const {kind, plural, singular, namespaced, shortNames, categories} = definition
  const main = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length === 0 ? {} : {shortNames}),
    ...(categories.length === 0 ? {} : {categories}),
  }
  const others = subresources(version).map(name => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    ...(name === 'scale' ? {group: 'autoscaling', version: 'v1', kind: 'Scale'} : {kind}),
    verbs: subresourceVerbs,
  }))
  return [main, ...others]
}
