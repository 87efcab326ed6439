// What stands around a version that isn't proven yet: the safeguards and faults that are wished now, the destinations that
// carry them, and what is left over of earlier ones. Safeguards hold from before its first request until they are lifted,
// which comes before it gets everything; whether they are is in the status, so that a rollback never brings them back.
import type {KubeObject} from '../../crds/meta.ts'
import type {Protection} from '../../mesh/types.ts'
import {isOurs} from './owned.ts'
import {sameObject} from './readiness.ts'
import type {Ledger, Model} from './state.ts'
import {withoutFaults} from './steps.ts'
import {want} from './traffic.ts'
import type {World} from './world.ts'

/** What holds for the canary now; undefined where nothing does. */
export function protectionOf({spec, steps}: World, {state, ledger}: Model): Protection | undefined {
  if (!('canary' in state) || state.release.safeguardsLifted) return undefined
  const inFault = ledger.traffic?.wanted.apart?.faults === true
  const faults = inFault ? (steps[state.release.stepIndex ?? 0]?.faults ?? []) : []
  return {slot: state.canary.slot, safeguards: spec.safeguards, faults}
}

/** The mesh's destinations, and what protects others from the canary. */
export function meshDestinations(world: World, model: Model): KubeObject[] {
  const {mesh, meshContext, meshObjects} = world.observation
  return mesh.renderDestinations(meshContext, ['a', 'b'], meshObjects, protectionOf(world, model))
}

/** Objects of the mesh's kinds that were made for what is no longer wished, such as the faults of a step that is over. */
export function strays(world: World, model: Model): KubeObject[] {
  const {observation} = world
  const {mesh, meshContext, meshObjects} = observation
  const wanted = model.ledger.traffic?.wanted
  // Without a port to route nobody knows what kind the route is of.
  if (!wanted || mesh.routedPorts(meshContext, meshObjects).length === 0) return []
  const wished = [...meshDestinations(world, model), ...mesh.renderRoutes(meshContext, wanted, meshObjects)]
  return meshObjects
    .filter(object => object.metadata.namespace === meshContext.rollout.namespace && isOurs(observation, object))
    .filter(object => !wished.some(one => sameObject(one, object)))
}

/** The ledger with the wish for the traffic that there is, without faults. */
export function endFaults(ledger: Ledger, now: number): Ledger {
  return ledger.traffic?.wanted.apart?.faults ? want(ledger, withoutFaults(ledger.traffic.wanted), now) : ledger
}
