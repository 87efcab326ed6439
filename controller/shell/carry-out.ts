// Carries intents out, one after the other, and stops at the first that fails: what comes later relies on what comes
// before. The next pass derives all of them again.
import {type KubeObject, type ObjectRef, refTo} from '../../crds/meta.ts'
import {fieldManager, finalizer} from '../../crds/names.ts'
import {outstanding, stamped} from '../core/diff.ts'
import type {Intent} from '../core/intents.ts'
import {type Cluster, ClusterError} from '../ports.ts'
import type {Lookup} from './lookup.ts'

export interface Carried {
  /** Writes that were sent. */
  writes: number
  /** The write that failed; later ones were not sent. */
  failure?: {object: string; error: ClusterError}
}

/** @param rollout the Rollout as the API server has it after the status write. */
export async function carryOut(
  intents: Intent[],
  rollout: KubeObject,
  cluster: Cluster,
  lookup: Lookup,
): Promise<Carried> {
  let writes = 0
  for (const intent of intents) {
    const subject = subjectOf(intent, rollout)
    if (!outstanding(intent, intent.kind === 'finalizer' ? rollout : lookup.get(subject))) continue
    try {
      await send(intent, rollout, cluster)
      writes++
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      return {writes, failure: {object: `${subject.kind} ${subject.namespace ?? ''}/${subject.name}`, error}}
    }
  }
  return {writes}
}

function subjectOf(intent: Intent, rollout: KubeObject): ObjectRef {
  if (intent.kind === 'finalizer') return refTo(rollout)
  return intent.kind === 'apply' ? refTo(intent.manifest) : intent.ref
}

async function send(intent: Intent, rollout: KubeObject, cluster: Cluster): Promise<void> {
  switch (intent.kind) {
    case 'apply':
      await cluster.apply(stamped(intent.manifest), {fieldManager, force: true})
      return
    case 'scale':
      await cluster.scale(intent.ref, intent.replicas, {fieldManager})
      return
    case 'template':
      await cluster.jsonPatch(intent.ref, [{op: 'replace', path: '/spec/template', value: intent.template}], {
        fieldManager,
      })
      return
    case 'delete':
      await cluster.delete(intent.ref, {uid: intent.uid, propagation: 'Background'})
      return
    case 'finalizer': {
      const {finalizers = [], resourceVersion} = rollout.metadata
      const others = finalizers.filter(one => one !== finalizer)
      const metadata = {finalizers: intent.present ? [...others, finalizer] : others, resourceVersion}
      await cluster.mergePatch(refTo(rollout), {metadata}, {fieldManager})
      return
    }
    default:
      intent satisfies never
  }
}
