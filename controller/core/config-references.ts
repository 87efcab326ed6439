// Which ConfigMaps and Secrets a pod template reads, and the same template with copies in their place. One walk serves
// both, so that nothing can be found and then not replaced.
import type {JsonObject} from '../../crds/meta.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'

export type ConfigKind = 'ConfigMap' | 'Secret'

export interface ConfigReference {
  kind: ConfigKind
  name: string
  optional: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: a pod template is the user's own JSON.
type Loose = any

interface Place {
  kind: ConfigKind
  holder: Loose
  key: string
  optional: boolean
}

/** Every place of a pod template that names a ConfigMap or Secret by which its pods are configured. */
function places(template: Loose): Place[] {
  const spec = template?.spec ?? {}
  const found: Place[] = []
  const add = (kind: ConfigKind, holder: Loose, key: string) => {
    if (typeof holder?.[key] === 'string') found.push({kind, holder, key, optional: holder.optional === true})
  }
  for (const volume of spec.volumes ?? []) {
    add('ConfigMap', volume.configMap, 'name')
    add('Secret', volume.secret, 'secretName')
    for (const source of volume.projected?.sources ?? []) {
      add('ConfigMap', source.configMap, 'name')
      add('Secret', source.secret, 'name')
    }
  }
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    for (const variable of container.env ?? []) {
      add('ConfigMap', variable.valueFrom?.configMapKeyRef, 'name')
      add('Secret', variable.valueFrom?.secretKeyRef, 'name')
    }
    for (const source of container.envFrom ?? []) {
      add('ConfigMap', source.configMapRef, 'name')
      add('Secret', source.secretRef, 'name')
    }
  }
  return found
}

/**
 * The config that is part of a template's revision: every ConfigMap that it reads, less those that the user opted out,
 * and the Secrets that the user opted in. Sorted, each once; optional only when every reference to it is.
 */
export function trackedReferences(template: JsonObject, options: RolloutSpec['revision']): ConfigReference[] {
  const byName = new Map<string, ConfigReference>()
  for (const place of places(template)) {
    const name: string = place.holder[place.key]
    const tracked =
      place.kind === 'ConfigMap' ? !options.ignoreConfigMaps.includes(name) : options.trackSecrets.includes(name)
    if (!tracked) continue
    const key = `${place.kind}/${name}`
    const known = byName.get(key)
    byName.set(key, {kind: place.kind, name, optional: place.optional && (known?.optional ?? true)})
  }
  return [...byName.keys()].sort().flatMap(key => byName.get(key) ?? [])
}

/** The template with every tracked reference pointed at its copy; `copies` maps `Kind/name` to the copy's name. */
export function withCopies(template: JsonObject, copies: Record<string, string>): JsonObject {
  const result = structuredClone(template)
  for (const place of places(result)) {
    const copy = copies[`${place.kind}/${place.holder[place.key]}`]
    if (copy !== undefined) place.holder[place.key] = copy
  }
  return result
}
