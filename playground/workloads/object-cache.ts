import type {KubeObject} from '../../crds/meta.ts'
import type {WorkloadStore} from './store-port.ts'

/** Called after every change with the state before and after it; undefined where there was or is none. */
type ChangeListener = (current: KubeObject | undefined, previous: KubeObject | undefined) => void

/** The objects of one resource, kept current by a watch. */
export interface ObjectCache {
  get(namespace: string | undefined, name: string): KubeObject | undefined
  inNamespace(namespace: string | undefined): Iterable<KubeObject>
  all(): Iterable<KubeObject>
  close(): void
}

/** Follows a resource; `onChange` also hears of the objects that exist at the start. */
export function followResource(store: WorkloadStore, resource: string, onChange: ChangeListener): ObjectCache {
  const namespaces = new Map<string, Map<string, KubeObject>>()
  const stop = store.watch(
    resource,
    ({type, object}) => {
      const {namespace = '', name} = object.metadata
      const objects = namespaces.get(namespace) ?? new Map<string, KubeObject>()
      const previous = objects.get(name)
      if (type === 'DELETED') objects.delete(name)
      else objects.set(name, object)
      if (objects.size === 0) namespaces.delete(namespace)
      else namespaces.set(namespace, objects)
      onChange(type === 'DELETED' ? undefined : object, previous)
    },
    {initial: true},
  )
  return {
    get: (namespace, name) => namespaces.get(namespace ?? '')?.get(name),
    inNamespace: namespace => namespaces.get(namespace ?? '')?.values() ?? [],
    *all() {
      for (const objects of namespaces.values()) yield* objects.values()
    },
    close: stop,
  }
}

/** The key of an object inside its resource. */
export function objectKey(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

/** The namespace and name of a key. */
export function splitKey(key: string): {namespace: string; name: string} {
  const slash = key.indexOf('/')
  return {namespace: key.slice(0, slash), name: key.slice(slash + 1)}
}
