// Gateway API: one HTTPRoute or GRPCRoute with the weights, between the slots' Services. It is the gateway's controller that
// says whether a weight is in force. The built-in metrics are those of Envoy Gateway.
import {ownOrBorrowed} from '../shared/borrowed-routes.ts'
import type {Mesh} from '../types.ts'
import {claims, interests} from './claims.ts'
import {gatewayApiVersion, gatewayOf, routedPort} from './context.ts'
import {counters} from './counters.ts'
import {features, limits} from './features.ts'
import {routeDefinition} from './implementation.ts'
import {problems} from './problems.ts'
import {readRoute, renderRoute} from './route.ts'
import {confirmed, settlingMilliseconds} from './status.ts'

export const gatewayAPI: Mesh = {
  name: 'gatewayAPI',
  kinds: [
    {apiVersion: gatewayApiVersion, kind: 'HTTPRoute', plural: 'httproutes'},
    {apiVersion: gatewayApiVersion, kind: 'GRPCRoute', plural: 'grpcroutes'},
    {apiVersion: gatewayApiVersion, kind: 'Gateway', plural: 'gateways'},
    {apiVersion: gatewayApiVersion, kind: 'GatewayClass', plural: 'gatewayclasses', scope: 'Cluster'},
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      plural: 'customresourcedefinitions',
      scope: 'Cluster',
      name: routeDefinition,
      metadataOnly: true,
    },
  ],
  claims,
  interests,
  /** The slots' Services are all that a route names. */
  renderDestinations: () => [],
  ...ownOrBorrowed({
    borrowing: context => gatewayOf(context).route,
    render: renderRoute,
    read: readRoute,
    port: routedPort,
    lone: false,
  }),
  confirmed,
  settlingMilliseconds,
  problems,
  counters,
  features,
  limits,
}
