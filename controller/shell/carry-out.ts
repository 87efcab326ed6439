// Carries intents out, one after the other, and stops at the first that fails, unless it is said to be dispensable: what
// comes later relies on what comes before. The next pass derives all of them again.
import {type KubeObject, type ObjectRef, refTo} from '../../crds/meta.ts'
import {fieldManager, finalizer, parkedNodeName} from '../../crds/names.ts'
import {outstanding, stampedBy} from '../core/diff.ts'
import type {Intent} from '../core/intents.ts'
import {type Cluster, ClusterError} from '../ports.ts'
import type {Lookup} from './lookup.ts'

/** A write that has to arrive in the cache before the next pass may rely on the cache. */
export interface Written {
  apiVersion: string
  kind: string
  resourceVersion: string
}

export interface Carried {
  /** Writes that were sent, as the API server answered them. */
  written: Written[]
  /** The first write that failed; later ones were not sent, unless it was dispensable. */
  failure?: {object: string; error: ClusterError}
}

/** @param rollout the Rollout as the API server has it after the status write. */
export async function carryOut(
  intents: Intent[],
  rollout: KubeObject,
  cluster: Cluster,
  lookup: Lookup,
): Promise<Carried> {
  const written: Written[] = []
  let failure: Carried['failure']
  for (const intent of intents) {
    const subject = subjectOf(intent, rollout)
    if (!outstanding(intent, intent.kind === 'finalizer' ? rollout : lookup.get(subject))) continue
    try {
      const answer = await send(intent, rollout, cluster)
      const resourceVersion = answer?.metadata.resourceVersion
      if (resourceVersion) written.push({apiVersion: subject.apiVersion, kind: subject.kind, resourceVersion})
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      failure ??= {object: `${subject.kind} ${subject.namespace ?? ''}/${subject.name}`, error}
      if (!intent.dispensable) break
    }
  }
  return failure ? {written, failure} : {written}
}

function subjectOf(intent: Intent, rollout: KubeObject): ObjectRef {
  if (intent.kind === 'finalizer') return refTo(rollout)
  return intent.kind === 'apply' ? refTo(intent.manifest) : intent.ref
}

/** The object as it is after the write; nothing after a deletion. */
async function send(intent: Intent, rollout: KubeObject, cluster: Cluster): Promise<KubeObject | undefined> {
  switch (intent.kind) {
    case 'apply':
      return cluster.apply(stampedBy(intent), {fieldManager, force: intent.yields !== true})
    case 'scale':
      return cluster.scale(intent.ref, intent.replicas, {fieldManager})
    case 'park':
      // One field alone: whoever merged into the template meanwhile loses nothing.
      return cluster.jsonPatch(intent.ref, [{op: 'add', path: '/spec/template/spec/nodeName', value: parkedNodeName}], {
        fieldManager,
      })
    case 'template':
      return cluster.jsonPatch(intent.ref, [{op: 'replace', path: '/spec/template', value: intent.template}], {
        fieldManager,
      })
    case 'delete':
      await cluster.delete(intent.ref, {uid: intent.uid, propagation: 'Background'})
      return undefined
    case 'finalizer': {
      const {finalizers = [], resourceVersion} = rollout.metadata
      const others = finalizers.filter(one => one !== finalizer)
      const metadata = {finalizers: intent.present ? [...others, finalizer] : others, resourceVersion}
      return cluster.mergePatch(refTo(rollout), {metadata}, {fieldManager})
    }
    default:
      return intent satisfies never
  }
}
