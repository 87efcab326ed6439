// No mesh: plain Kubernetes. The selector of the apex Service moves, and the core writes it as it does beside every mesh;
// so there is nothing to render, and a slot's share is that of its pods.
import {durationMilliseconds} from '../../crds/common.ts'
import {checkWeights} from '../shared/weights.ts'
import type {Mesh, MeshContext} from '../types.ts'
import {features} from './features.ts'
import {noneOf, readSelector} from './selector.ts'

export const none: Mesh = {
  name: 'none',
  bySelector: true,
  kinds: [],
  claims: () => [],
  interests: () => [],
  renderDestinations: () => [],
  renderRoutes(context, split) {
    checkWeights(split)
    noneOf(context)
    return []
  },
  renderReturned: () => [],
  /** A node asks no Service of a slot. */
  routedPorts: () => [],
  read: readSelector,
  /** No proxy of a node says which endpoints it knows: the selector counts as in force after the settling time. */
  confirmed(context, _objects, inForceSince, now) {
    const again = inForceSince + settlingMilliseconds(context)
    return now < again ? {confirmed: false, again} : {confirmed: true}
  },
  settlingMilliseconds,
  problems: () => [],
  counters: [],
  features,
}

function settlingMilliseconds(context: MeshContext): number {
  return durationMilliseconds(noneOf(context).settlingTime)
}
