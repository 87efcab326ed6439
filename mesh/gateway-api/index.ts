// Gateway API: one HTTPRoute with the weights, between the slots' Services. It is the gateway's controller that says
// whether a weight is in force. The built-in metrics are those of Envoy Gateway.
import type {Mesh} from '../types.ts'
import {claims, interests} from './claims.ts'
import {gatewayApiVersion} from './context.ts'
import {counters} from './counters.ts'
import {features} from './features.ts'
import {readHttpRoute, renderHttpRoute} from './http-route.ts'
import {problems} from './problems.ts'
import {confirmed, settlingMilliseconds} from './status.ts'

export const gatewayAPI: Mesh = {
  name: 'gatewayAPI',
  kinds: [
    {apiVersion: gatewayApiVersion, kind: 'HTTPRoute', plural: 'httproutes'},
    {apiVersion: gatewayApiVersion, kind: 'Gateway', plural: 'gateways'},
  ],
  claims,
  interests,
  /** The slots' Services are all that a route names. */
  renderDestinations: () => [],
  renderRoutes: (context, split) => [renderHttpRoute(context, split)],
  renderReturned: () => [],
  read: readHttpRoute,
  confirmed,
  settlingMilliseconds,
  problems,
  counters,
  features,
}
