// Which objects of a mesh a Rollout reads, and which Rollouts an object concerns. Both carry names; who shares one
// belongs together. Without it every weight of one Rollout would wake all of them, and each would read all objects.
import {type KubeObject, refTo} from '../../crds/meta.ts'
import {labels} from '../../crds/names.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import {meshes, meshOf} from '../../mesh/registry.ts'
import type {Mesh, MeshContext} from '../../mesh/types.ts'
import {contextOf} from './mesh-context.ts'
import {keyOf} from './object-store.ts'

/** What an object that may matter to every Rollout bears, and every Rollout. */
const everybody = 'everybody'

export class MeshIndex {
  readonly #objects = new Named<KubeObject>()
  readonly #rollouts = new Named<KubeObject>()

  /** @param current undefined once the object is gone */
  objectChanged(old: KubeObject | undefined, current: KubeObject | undefined): void {
    if (old) this.#objects.delete(idOf(old))
    if (current) this.#objects.set(idOf(current), namesOfObject(current), current)
    // What matters to a Rollout may stand in the route that it borrows.
    for (const rollout of this.#hearing(old, current)) this.#enter(keyOf(rollout), rollout)
  }

  /** @param current undefined once the Rollout is gone */
  rolloutChanged(key: string, old: KubeObject | undefined, current: KubeObject | undefined): void {
    const generation = current?.metadata.generation
    if (old && generation !== undefined && old.metadata.generation === generation) return
    this.#rollouts.delete(key)
    if (current) this.#enter(key, current)
  }

  #enter(key: string, rollout: KubeObject): void {
    this.#rollouts.delete(key)
    this.#rollouts.set(key, namesOfRollout(rollout, this.#objects), rollout)
  }

  /** Objects of the mesh that a decision about the Rollout may depend on. */
  objectsFor(mesh: Mesh, context: MeshContext): KubeObject[] {
    return this.#objects.get(namesFor(mesh, context, this.#objects))
  }

  /** Keys (`namespace/name`) of the Rollouts that a change of an object concerns. */
  concerned(old: KubeObject | undefined, current: KubeObject | undefined): Set<string> {
    return new Set(this.#hearing(old, current).map(keyOf))
  }

  #hearing(old: KubeObject | undefined, current: KubeObject | undefined): KubeObject[] {
    const {generation, namespace} = current?.metadata ?? {}
    // A status, or a label, is read by the Rollout alone whose object it is; not that of a class, which is everybody's.
    const narrow = namespace !== undefined && generation !== undefined && old?.metadata.generation === generation
    const names = (object: KubeObject) => (narrow ? ownNames(object) : namesOfObject(object))
    return this.#rollouts.get([old, current].flatMap(object => (object ? names(object) : [])))
  }
}

/** Things by id, each under several names. */
class Named<T> {
  readonly #things = new Map<string, {names: string[]; thing: T}>()
  readonly #ids = new Map<string, Set<string>>()

  set(id: string, names: string[], thing: T): void {
    this.#things.set(id, {names, thing})
    for (const name of names) {
      const ids = this.#ids.get(name) ?? new Set()
      this.#ids.set(name, ids.add(id))
    }
  }

  delete(id: string): void {
    for (const name of this.#things.get(id)?.names ?? []) {
      const ids = this.#ids.get(name)
      ids?.delete(id)
      if (ids?.size === 0) this.#ids.delete(name)
    }
    this.#things.delete(id)
  }

  /** What bears any of the names, each once. */
  get(names: readonly string[]): T[] {
    const ids = new Set(names.flatMap(name => [...(this.#ids.get(name) ?? [])]))
    return [...ids].flatMap(id => this.#things.get(id)?.thing ?? [])
  }
}

function idOf(object: KubeObject): string {
  return `${object.kind} ${keyOf(object)}`
}

/** Its place, the Rollout whose label it bears, and the claim of whoever borrows it by its name. */
function ownNames(object: KubeObject): string[] {
  const {namespace = '', name, labels: marks} = object.metadata
  const owner = marks?.[labels.rollout]
  const borrowed = claim(`${object.kind} ${namespace}/${name}`)
  return [at(namespace, name), borrowed, ...(owner === undefined ? [] : [of(namespace, owner)])]
}

function namesOfObject(object: KubeObject): string[] {
  const {apiVersion: version, kind} = refTo(object)
  // Several meshes may read one kind, each for its own reasons.
  const readers = Object.values(meshes).filter(({kinds}) =>
    kinds.some(one => one.kind === kind && one.apiVersion === version),
  )
  return [...ownNames(object), ...readers.flatMap(mesh => mesh.claims(object)?.map(claim) ?? [everybody])]
}

function namesOfRollout(rollout: KubeObject, objects: Named<KubeObject>): string[] {
  const parsed = rolloutSpec.safeParse(rollout.spec)
  const mesh = parsed.success ? meshOf(parsed.data.traffic) : undefined
  // One that can't be understood reads nothing until it is corrected.
  return parsed.success && mesh ? namesFor(mesh, contextOf(rollout, parsed.data, undefined), objects) : []
}

/** @param objects all that there are: those with a name of its own may bring further names */
function namesFor(mesh: Mesh, context: MeshContext, objects: Named<KubeObject>): string[] {
  const {rollout, apex, slots} = context
  const own = objects.get(mesh.interests(context).map(claim))
  const interests = mesh.interests(context, own)
  const places = [apex.name, slots.a, slots.b].map(name => at(rollout.namespace, name))
  return [...places, of(rollout.namespace, rollout.name), everybody, ...interests.map(claim)]
}

function at(namespace: string, name: string): string {
  return `at ${namespace}/${name}`
}

function of(namespace: string, rollout: string): string {
  return `of ${namespace}/${rollout}`
}

function claim(name: string): string {
  return `claim ${name}`
}
