import type {KubeObject} from '../../crds/meta.ts'

/** Reads of what a reflector knows. The objects are shared: readers must not change them. */
export interface ObjectStore {
  /** @param namespace empty or undefined for kinds without namespaces */
  get(namespace: string | undefined, name: string): KubeObject | undefined
  /** Every object, or those of one namespace, in no particular order. */
  list(namespace?: string): KubeObject[]
  readonly size: number
}

/** `namespace/name`, or the name alone for kinds without namespaces. */
export function keyOf(object: KubeObject): string {
  const {namespace, name} = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

/** Objects of one kind by namespace and name. */
export class IndexedStore implements ObjectStore {
  readonly #namespaces = new Map<string, Map<string, KubeObject>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#namespaces.get(namespace ?? '')?.get(name)
  }

  list(namespace?: string): KubeObject[] {
    if (namespace !== undefined) return [...(this.#namespaces.get(namespace)?.values() ?? [])]
    return [...this.#namespaces.values()].flatMap(objects => [...objects.values()])
  }

  /** Puts an object in; returns the one that it replaces. */
  set(object: KubeObject): KubeObject | undefined {
    const {namespace = '', name} = object.metadata
    const objects = this.#namespaces.get(namespace) ?? new Map<string, KubeObject>()
    this.#namespaces.set(namespace, objects)
    const old = objects.get(name)
    objects.set(name, object)
    if (old === undefined) this.#size += 1
    return old
  }

  /** Takes an object out; returns it. */
  delete(namespace: string | undefined, name: string): KubeObject | undefined {
    const objects = this.#namespaces.get(namespace ?? '')
    const old = objects?.get(name)
    if (objects === undefined || old === undefined) return undefined
    objects.delete(name)
    this.#size -= 1
    if (objects.size === 0) this.#namespaces.delete(namespace ?? '')
    return old
  }
}
