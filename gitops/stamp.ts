// Turns what Git says into what is applied: namespaces filled in, every object stamped with its commit, and the fields
// that a Rollout owns moved into annotations, so that a sync never fights with a release.
import type {KubeObject} from '../crds/meta.ts'
import {annotations, baseNameOf} from '../crds/names.ts'
import {describeRef, groupOf, identityOf, isRollout, refOf} from './identity.ts'
import {ManifestError, type SourceObject} from './manifests.ts'
import type {CommitInfo} from './repository.ts'

export type Scope = 'Namespaced' | 'Cluster'

/** Names the fields that a Rollout takes over, by `namespace/name`. */
export interface RolloutClaims {
  /** Deployments whose `spec.replicas` is the Rollout's. */
  targets: ReadonlySet<string>
  /** Services whose `spec.selector` is the Rollout's. */
  apexServices: ReadonlySet<string>
}

export interface StampOptions {
  /** `namespace/name` of the GitSync. */
  gitSync: string
  commit: CommitInfo
}

/** An object that is ready to be applied. */
export interface PreparedObject {
  manifest: KubeObject
  source: string
  /** A field that was moved into an annotation, as Git gives it. */
  moved?: MovedField
}

export interface MovedField {
  field: 'replicas' | 'selector'
  value: unknown
}

/**
 * Gives a namespaced object its namespace, and takes one away from an object that can't have it.
 */
export function withNamespace(object: KubeObject, scope: Scope, namespace: string): KubeObject {
  const {namespace: own, ...metadata} = object.metadata
  if (scope === 'Cluster') return {...object, metadata}
  return {...object, metadata: {...metadata, namespace: own ?? namespace}}
}

/**
 * Scope of a kind that a CustomResourceDefinition among the objects declares: its custom resources may be in the same
 * commit, before any server knows them.
 */
export function declaredScope(objects: readonly SourceObject[], apiVersion: string, kind: string): Scope | undefined {
  const definition = objects.find(
    ({object}) =>
      object.kind === 'CustomResourceDefinition' &&
      object.spec?.group === groupOf(apiVersion) &&
      object.spec?.names?.kind === kind,
  )
  if (!definition) return undefined
  return definition.object.spec.scope === 'Cluster' ? 'Cluster' : 'Namespaced'
}

/** What Rollouts (with their namespaces) claim. */
export function claimsOf(rollouts: readonly KubeObject[]): RolloutClaims {
  const targets = new Set<string>()
  const apexServices = new Set<string>()
  for (const {metadata, spec} of rollouts) {
    const target = spec?.targetRef
    if (target && target.kind !== 'DaemonSet') targets.add(`${metadata.namespace}/${target.name}`)
    // A shared selector stays the user's own, and so does one between Services of theirs.
    if (!spec || spec.serviceRefs || spec.service?.selector === 'shared') continue
    apexServices.add(`${metadata.namespace}/${spec.service?.name ?? baseNameOf(metadata.name, spec)}`)
  }
  return {targets, apexServices}
}

/** The Rollouts among some objects. */
export function rolloutsIn(objects: readonly KubeObject[]): KubeObject[] {
  return objects.filter(isRollout)
}

/**
 * Stamps an object that has its namespace; fields that a Rollout claims move into annotations.
 */
export function stamp(source: SourceObject, claims: RolloutClaims, options: StampOptions): PreparedObject {
  const {object} = source
  const key = `${object.metadata.namespace}/${object.metadata.name}`
  const moved = movedField(object, key, claims)
  const metadata = {
    ...object.metadata,
    annotations: {
      ...object.metadata.annotations,
      [annotations.commit]: options.commit.hash,
      [annotations.commitAuthor]: options.commit.author,
      [annotations.commitSubject]: options.commit.subject,
      [annotations.gitSync]: options.gitSync,
      ...(moved ? {[annotations[moved.field]]: annotationValue(moved)} : {}),
    },
  }
  if (!moved) return {manifest: {...object, metadata}, source: source.source}
  const {[moved.field]: _moved, ...spec} = object.spec
  return {manifest: {...object, metadata, spec}, source: source.source, moved}
}

/** The manifest as it was in Git, that is, with a moved field back in its place. */
export function withMovedField(prepared: PreparedObject): KubeObject {
  const {manifest, moved} = prepared
  if (!moved) return manifest
  return {...manifest, spec: {...manifest.spec, [moved.field]: moved.value}}
}

function movedField(object: KubeObject, key: string, claims: RolloutClaims): MovedField | undefined {
  const isTarget = object.kind === 'Deployment' && groupOf(object.apiVersion) === 'apps' && claims.targets.has(key)
  if (isTarget && object.spec?.replicas !== undefined) return {field: 'replicas', value: object.spec.replicas}
  const isApex = object.kind === 'Service' && object.apiVersion === 'v1' && claims.apexServices.has(key)
  if (isApex && object.spec?.selector !== undefined) return {field: 'selector', value: object.spec.selector}
  return undefined
}

function annotationValue(moved: MovedField): string {
  return moved.field === 'replicas' ? String(moved.value) : JSON.stringify(moved.value)
}

/**
 * Namespaces can make two manifests the same object, which {@link parseManifests} could not see.
 * @throws ManifestError `InvalidManifest`, naming both places.
 */
export function refuseSameObject(objects: readonly SourceObject[]): void {
  const seen = new Map<string, string>()
  for (const {object, source} of objects) {
    const key = identityOf(refOf(object))
    const first = seen.get(key)
    if (first !== undefined) {
      const name = describeRef(refOf(object))
      throw new ManifestError('InvalidManifest', `${source}: ${name} is already in ${first}: remove one of them`)
    }
    seen.set(key, source)
  }
}
