// What makes an object of a mesh Fairlead's, and how messages name one.
import type {KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
import type {MeshContext, MeshProblem} from '../types.ts'

/**
 * Metadata of an object that Fairlead makes; no owner reference, so that pruning a Rollout never deletes production.
 * @param further labels beside the Rollout's
 */
export function ownMetadata(
  context: MeshContext,
  name: string,
  further: Record<string, string> = {},
): KubeObject['metadata'] {
  const {rollout} = context
  return {
    name,
    namespace: rollout.namespace,
    labels: {[labels.rollout]: rollout.name, ...further},
    annotations: {[annotations.owner]: rollout.uid},
  }
}

/** Whether an object bears this Rollout's label, in its namespace; whatever the uid, since a restore gives a new one. */
export function isOwn(context: MeshContext, object: KubeObject): boolean {
  const {name, namespace} = context.rollout
  return object.metadata.namespace === namespace && object.metadata.labels?.[labels.rollout] === name
}

/** How a message names an object. */
export function describe(object: KubeObject): string {
  return `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

/**
 * A route of somebody else's under the name that Fairlead writes.
 * @param fix what to do about it
 */
export function foreignRoute(context: MeshContext, live: KubeObject | undefined, fix: string): MeshProblem[] {
  if (!live || isOwn(context, live)) return []
  const claimed = claimedRoute(context, live)
  if (claimed) return [claimed]
  return [
    {
      reason: `Foreign${live.kind}`,
      object: describe(live),
      field: 'metadata.name',
      problem: 'it has the name of the route that Fairlead writes, and was not made by this Rollout',
      fix,
    },
  ]
}

/** A route that another Rollout writes; undefined when none does. */
export function claimedRoute(context: MeshContext, route: KubeObject): MeshProblem | undefined {
  const other = route.metadata.labels?.[labels.rollout]
  const {name, namespace} = context.rollout
  if (other === undefined || other === name) return undefined
  return {
    reason: 'RouteClaimed',
    object: describe(route),
    field: `metadata.labels[${labels.rollout}]`,
    problem: `it is the route of Rollout ${namespace}/${other}, and Rollout ${namespace}/${name} would change it too`,
    fix: 'give each of the two Rollouts a Service and a route of its own, or delete one of them',
  }
}
