// The environment of a Pod's first container, as the kubelet works it out.
import type {KubeObject} from '../../crds/meta.ts'

/** Finds a ConfigMap or Secret in the Pod's namespace. */
type ConfigLookup = (resource: 'configmaps' | 'secrets', name: string) => KubeObject | undefined

/** What came of it: the variables, or why the container can't be made, in the kubelet's words. */
type PodEnvironment =
  | {kind: 'resolved'; variables: ReadonlyMap<string, string>}
  | {kind: 'missing'; reason: 'CreateContainerConfigError' | 'ContainerCreating'; message: string}

// biome-ignore lint/suspicious/noExplicitAny: a pod's spec is raw JSON; every field is read with care.
type Loose = any

class MissingInput extends Error {}

/**
 * Resolves `envFrom`, `env` with values and references to ConfigMaps, Secrets and metadata, and checks that mounted
 * ConfigMaps exist. Later entries override earlier ones; `env` overrides `envFrom`. `$(NAME)` is not expanded.
 */
export function resolveEnvironment(pod: KubeObject, lookup: ConfigLookup): PodEnvironment {
  const mount = missingMount(pod, lookup)
  if (mount !== undefined) return {kind: 'missing', reason: 'ContainerCreating', message: mount}
  const container: Loose = pod.spec?.containers?.[0] ?? {}
  const variables = new Map<string, string>()
  try {
    for (const source of container.envFrom ?? []) addAll(variables, source, lookup)
    for (const entry of container.env ?? []) {
      const value = valueOf(entry, pod, lookup)
      if (value !== undefined) variables.set(entry.name, value)
    }
  } catch (error) {
    if (!(error instanceof MissingInput)) throw error
    return {kind: 'missing', reason: 'CreateContainerConfigError', message: error.message}
  }
  return {kind: 'resolved', variables}
}

function addAll(variables: Map<string, string>, source: Loose, lookup: ConfigLookup): void {
  const reference = source.configMapRef ?? source.secretRef
  const resource = source.configMapRef === undefined ? 'secrets' : 'configmaps'
  const found = find(resource, reference, lookup)
  for (const [key, value] of Object.entries(found?.data ?? {})) {
    variables.set(`${source.prefix ?? ''}${key}`, decode(resource, String(value)))
  }
}

function valueOf(entry: Loose, pod: KubeObject, lookup: ConfigLookup): string | undefined {
  const from = entry.valueFrom
  if (from === undefined || from === null) return String(entry.value ?? '')
  if (from.fieldRef) return fieldOf(pod, String(from.fieldRef.fieldPath))
  const reference = from.configMapKeyRef ?? from.secretKeyRef
  if (!reference) return undefined
  const resource = from.configMapKeyRef ? 'configmaps' : 'secrets'
  const found = find(resource, reference, lookup)
  if (found === undefined) return undefined
  const value = found.data?.[reference.key]
  if (value !== undefined) return decode(resource, String(value))
  if (reference.optional === true) return undefined
  const kind = resource === 'configmaps' ? 'ConfigMap' : 'Secret'
  throw new MissingInput(`couldn't find key ${reference.key} in ${kind} ${pod.metadata.namespace}/${reference.name}`)
}

function find(resource: 'configmaps' | 'secrets', reference: Loose, lookup: ConfigLookup): KubeObject | undefined {
  const name = String(reference?.name ?? '')
  const found = lookup(resource, name)
  if (found === undefined && reference?.optional !== true) {
    throw new MissingInput(`${resource === 'configmaps' ? 'configmap' : 'secret'} "${name}" not found`)
  }
  return found
}

function decode(resource: 'configmaps' | 'secrets', value: string): string {
  return resource === 'secrets' ? Buffer.from(value, 'base64').toString('utf8') : value
}

function fieldOf(pod: KubeObject, path: string): string | undefined {
  const {name, namespace, uid, labels, annotations} = pod.metadata
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path)
  if (keyed) return (keyed[1] === 'labels' ? labels : annotations)?.[keyed[2] as string] ?? ''
  return {
    'metadata.name': name,
    'metadata.namespace': namespace,
    'metadata.uid': uid,
    'spec.nodeName': pod.spec?.nodeName,
  }[path]
}

function missingMount(pod: KubeObject, lookup: ConfigLookup): string | undefined {
  for (const volume of pod.spec?.volumes ?? []) {
    for (const source of [volume, ...(volume.projected?.sources ?? [])]) {
      const {configMap, secret} = source as Loose
      const checks = [
        {resource: 'configmaps', kind: 'configmap', reference: configMap, name: configMap?.name},
        {resource: 'secrets', kind: 'secret', reference: secret, name: secret?.secretName ?? secret?.name},
      ] as const
      for (const {resource, kind, reference, name} of checks) {
        if (!reference || reference.optional === true || lookup(resource, String(name)) !== undefined) continue
        return `MountVolume.SetUp failed for volume "${volume.name}" : ${kind} "${name}" not found`
      }
    }
  }
  return undefined
}
