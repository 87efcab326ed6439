// Revisions: what a source holds now, what it is called, and whether that is something new. The hash is only a name;
// whether two revisions are the same is decided by comparing templates as one server returned both.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {annotations} from '../../crds/names.ts'
import type {CommitInfo, SlotContent} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {withCopies} from './config-references.ts'
import {digest} from './equality.ts'
import type {ConfigInput, Observation} from './observation.ts'
import type {Ledger} from './state.ts'
import {ownTemplate, workloadSettings} from './workloads.ts'

/** Version of the naming scheme: a change of it renames revisions, but never makes one seem new. */
const hashVersion = 'v1'

/** A revision as its source describes it now. */
export interface Source {
  uid: string
  generation: number
  /** Digest of uid and resourceVersion of every config input: moves whenever one of them does. */
  configVersions: string
  template: JsonObject
  /** Settings of the workload around the template that the slots take over. */
  workload: JsonObject
  inputs: ConfigInput[]
  /** `Kind/name` of every input that exists -> name of its copy. */
  copies: Record<string, string>
  /** Inputs that the template needs and that don't exist. */
  missing: string[]
  commit?: CommitInfo
  /** Every stamped input carries the same commit as the object. */
  oneCommit: boolean
  /** Where the versions are Services of the user's: the one that is to serve, which names the revision. */
  service?: {name: string; slot: SlotName}
}

/** The object whose merge changes the revision: the target, or the Rollout itself; undefined when there is no target. */
export function sourceObject({spec, rollout, target}: Pick<Observation, 'spec' | 'rollout' | 'target'>) {
  return spec.targetRef ? target : rollout
}

/** What the revisions come from, in words. */
export function sourceText({spec, rollout}: Pick<Observation, 'spec' | 'rollout'>): string {
  const {targetRef, serviceRefs} = spec
  if (targetRef) return `${targetRef.kind} ${targetRef.name}`
  return serviceRefs ? `Service ${serviceRefs[serviceRefs.serve]}` : `the template of Rollout ${rollout.metadata.name}`
}

/** The pod template that is released, as its owner wrote it. */
export function sourceTemplate({spec, target}: Pick<Observation, 'spec' | 'target'>): JsonObject {
  if (spec.template) return spec.template as JsonObject
  return target ? ownTemplate(target) : {}
}

/** What the source holds now; undefined when there is none. */
export function sourceOf(observation: Observation): Source | undefined {
  const {inputs, spec} = observation
  const object = sourceObject(observation)
  if (!object) return undefined
  const present = inputs.filter(input => input.object)
  const copies: Record<string, string> = {}
  for (const input of present) copies[`${input.kind}/${input.name}`] = copyName(input)
  const workload: JsonObject = {}
  if (spec.targetRef) {
    for (const key of workloadSettings[spec.targetRef.kind]) {
      if (object.spec?.[key] !== undefined) workload[key] = object.spec[key]
    }
  }
  const commit = commitOf(object)
  const versions = present.map(({kind, name, object}) => [
    kind,
    name,
    object?.metadata.uid,
    object?.metadata.resourceVersion,
  ])
  return {
    uid: object.metadata.uid ?? '',
    generation: object.metadata.generation ?? 0,
    configVersions: digest(versions, 16),
    template: sourceTemplate(observation),
    workload,
    inputs,
    copies,
    missing: inputs.filter(input => !input.object && !input.optional).map(input => `${input.kind} ${input.name}`),
    ...(commit ? {commit} : {}),
    oneCommit: commit !== undefined && present.every(input => sameStamp(input.object, commit)),
    ...(spec.serviceRefs
      ? {service: {name: spec.serviceRefs[spec.serviceRefs.serve], slot: spec.serviceRefs.serve}}
      : {}),
  }
}

function sameStamp(object: KubeObject | undefined, commit: CommitInfo): boolean {
  const stamp = object?.metadata.annotations?.[annotations.commit]
  return stamp === undefined || stamp === commit.hash
}

/** The commit that an object is stamped with. */
export function commitOf(object: KubeObject): CommitInfo | undefined {
  const stamps = object.metadata.annotations ?? {}
  const hash = stamps[annotations.commit]
  if (!hash) return undefined
  const author = stamps[annotations.commitAuthor]
  const subject = stamps[annotations.commitSubject]
  return {hash, ...(author ? {author: author.slice(0, 256)} : {}), ...(subject ? {subject: subject.slice(0, 256)} : {})}
}

/** Name of the copy of a config input: its own name and a hash of its contents. */
export function copyName(input: ConfigInput): string {
  const {data, binaryData, type}: Partial<KubeObject> = input.object ?? {}
  return `${input.name.slice(0, 240)}-${digest([data ?? {}, binaryData ?? {}, type ?? null], 10)}`
}

/** The template that a slot runs, before the slot's own labels: config copies in place of the live objects. */
export function frozenTemplate(source: Source): JsonObject {
  return withCopies(source.template, source.copies)
}

/** The name that a source's revision gets when it is new. */
function revisionName(source: Source): string {
  return `${hashVersion}-${digest(frozenTemplate(source), 10)}`
}

export function imageOf(template: JsonObject): string {
  // biome-ignore lint/suspicious/noExplicitAny: a pod template is the user's own JSON.
  const containers = (template as any)?.spec?.containers
  const image: unknown = containers?.[0]?.image
  return typeof image === 'string' ? image.slice(0, 1024) : ''
}

/** A revision as it is kept and run. */
export interface Snapshot {
  revision: string
  template: JsonObject
  workload: JsonObject
  /** `Kind/name` -> copy, so that the template can be given back with the original names. */
  copies: Record<string, string>
}

/** A snapshot and the ControllerRevision that holds it. */
export interface KeptSnapshot extends Snapshot {
  object: KubeObject
}

/** Reads a ControllerRevision of ours; undefined when it holds something else. */
export function snapshotOf(object: KubeObject): KeptSnapshot | undefined {
  const revision = object.metadata.annotations?.[annotations.revision]
  const data = object.data as
    | {template?: JsonObject; workload?: JsonObject; copies?: Record<string, string>}
    | undefined
  if (!revision || !data?.template) return undefined
  const {template, workload = {}, copies = {}} = data
  return {revision, template, workload, copies, object}
}

export function findSnapshot(observation: Observation, revision: string): KeptSnapshot | undefined {
  return observation.snapshots.map(snapshotOf).find(snapshot => snapshot?.revision === revision)
}

/**
 * Name of the revision that the source holds: the recorded one while uid, generation and config versions are the
 * recorded ones; else that of a slot whose template, as the server returned it, is the same; else a name by hash.
 * @param sameAsSlot compares the source with the template that a slot's workload has in the cluster.
 */
export function identify(
  source: Source,
  ledger: Ledger,
  contents: SlotContent[],
  sameAsSlot: (content: SlotContent) => boolean,
): string {
  if (source.service) return source.service.name
  const recorded = ledger.source
  if (recorded && sameSource(recorded, source)) return recorded.revision
  const match = contents.find(sameAsSlot)
  return match ? match.revision : revisionName(source)
}

export function sameSource(
  recorded: {uid: string; generation: number; configVersions: string},
  source: Source,
): boolean {
  return (
    recorded.uid === source.uid &&
    recorded.generation === source.generation &&
    recorded.configVersions === source.configVersions
  )
}
