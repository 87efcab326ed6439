// Istio: a Service per slot, a VirtualService with the weights, a DestinationRule per slot; never subsets.
import {durationMilliseconds} from '../../crds/common.ts'
import type {Mesh, MeshContext} from '../types.ts'
import {claims, interests} from './claims.ts'
import {istioApiVersion, istioOf} from './context.ts'
import {counters} from './counters.ts'
import {renderDestinationRules} from './destination-rule.ts'
import {features} from './features.ts'
import {problems} from './problems.ts'
import {readVirtualService, renderVirtualService} from './virtual-service.ts'

export const istio: Mesh = {
  name: 'istio',
  kinds: [
    {apiVersion: istioApiVersion, kind: 'VirtualService', plural: 'virtualservices'},
    {apiVersion: istioApiVersion, kind: 'DestinationRule', plural: 'destinationrules'},
  ],
  claims,
  interests,
  renderDestinations: renderDestinationRules,
  renderRoutes: (context, split) => [renderVirtualService(context, split)],
  renderReturned: () => [],
  read: readVirtualService,
  /** Istio writes no status that could be waited for, so a route counts as in force after the settling time. */
  confirmed(context, _objects, inForceSince, now) {
    const again = inForceSince + settlingMilliseconds(context)
    return now >= again ? {confirmed: true} : {confirmed: false, again}
  },
  settlingMilliseconds,
  problems,
  counters,
  features,
}

function settlingMilliseconds(context: MeshContext): number {
  return durationMilliseconds(istioOf(context).settlingTime)
}
