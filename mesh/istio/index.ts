// Istio: a Service per slot, a VirtualService with the weights, a DestinationRule per slot; never subsets.
import {durationMilliseconds} from '../../crds/common.ts'
import type {Split} from '../../crds/rollout-status.ts'
import type {Mesh, MeshContext, MeshObjects} from '../types.ts'
import {borrowedPorts, readBorrowed, renderBorrowed, renderBorrowedBack} from './borrowed.ts'
import {claims, interests} from './claims.ts'
import {istioApiVersion, istioOf} from './context.ts'
import {counters} from './counters.ts'
import {renderDelegateBack, unusedDelegate} from './delegate.ts'
import {renderDestinationRules} from './destination-rule.ts'
import {features, limits} from './features.ts'
import {problems} from './problems.ts'
import {envoyFilterApiVersion, faultedSlot, renderEnvoyFilters} from './safeguards.ts'
import {portsOf, readVirtualService, renderVirtualService} from './virtual-service.ts'

export const istio: Mesh = {
  name: 'istio',
  kinds: [
    {apiVersion: istioApiVersion, kind: 'VirtualService', plural: 'virtualservices'},
    {apiVersion: istioApiVersion, kind: 'DestinationRule', plural: 'destinationrules'},
    {apiVersion: envoyFilterApiVersion, kind: 'EnvoyFilter', plural: 'envoyfilters'},
  ],
  claims,
  interests,
  renderDestinations: (context, slots, objects, protection) => [
    ...renderDestinationRules(context, slots, objects, protection),
    ...(protection ? renderEnvoyFilters(context, protection) : []),
  ],
  renderRoutes: (context, split, objects) =>
    istioOf(context).virtualService ? renderBorrowed(context, split, objects) : [renderVirtualService(context, split)],
  renderReturned: (context, objects) =>
    istioOf(context).delegate ? renderDelegateBack(context, objects) : renderBorrowedBack(context, objects),
  routedPorts: (context, objects) =>
    istioOf(context).virtualService ? borrowedPorts(context, objects) : portsOf(context),
  read(context, objects) {
    const route = istioOf(context).virtualService
      ? readBorrowed(context, objects)
      : readVirtualService(context, objects)
    return route && withFaults(route, context, objects)
  },
  /**
   * Istio writes no status that could be waited for, so a route counts as in force after the settling time; a delegate not
   * before a route leads to it.
   */
  confirmed(context, objects, inForceSince, now) {
    const waitingFor = unusedDelegate(context, objects)
    const again = inForceSince + settlingMilliseconds(context)
    if (now < again) return {confirmed: false, again, ...(waitingFor ? {waitingFor} : {})}
    return waitingFor ? {confirmed: false, waitingFor} : {confirmed: true}
  },
  settlingMilliseconds,
  problems,
  counters,
  features,
  limits,
}

function settlingMilliseconds(context: MeshContext): number {
  return durationMilliseconds(istioOf(context).settlingTime)
}

/** A split with what the slot's own calls meet; undefined where that is another slot than the route gives something apart. */
function withFaults(route: Split, context: MeshContext, objects: MeshObjects): Split | undefined {
  const slot = faultedSlot(context, objects)
  if (!slot) return route
  return route.apart && route.apart.slot !== slot ? undefined : {...route, apart: {...route.apart, slot, faults: true}}
}
