// What the core asks the shell to do. Intents describe wished states, never transitions: the shell compares each with
// what it sees and skips what already holds.
import {type JsonObject, type KubeObject, type ObjectRef, refTo} from '../../crds/meta.ts'

export type Intent = Wish & {
  /** What comes after it does not rely on it: where it fails, the rest is carried out all the same. */
  dispensable?: true
}

type Wish =
  /**
   * `yields`: refused with a conflict where another manager's value is another one; else our value wins.
   * `bare`: the manifest says nothing; whatever we own of the object is given up with it, our stamp too.
   * `drifted`: the object is known to say something else, be it by a field more than the manifest has.
   */
  | {kind: 'apply'; manifest: KubeObject; yields?: true; bare?: true; drifted?: true}
  | {kind: 'scale'; ref: ObjectRef; replicas: number}
  /** Asks for a node that doesn't exist, in the pods of a DaemonSet that is to have none. */
  | {kind: 'park'; ref: ObjectRef}
  | {kind: 'delete'; ref: ObjectRef; uid: string}
  | {kind: 'finalizer'; present: boolean}
  /** Replaces the target's pod template, for a target that is given back. */
  | {kind: 'template'; ref: ObjectRef; template: JsonObject}

export type EventType = 'Normal' | 'Warning'

/** A Kubernetes event about the Rollout. */
export interface Note {
  type: EventType
  reason: string
  message: string
}

/** The intent to remove one object, and no other that has taken its name since. */
export function deletion(object: KubeObject): Intent {
  return {kind: 'delete', ref: refTo(object), uid: object.metadata.uid ?? ''}
}
