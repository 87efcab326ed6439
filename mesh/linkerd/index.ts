// Linkerd: one HTTPRoute or GRPCRoute with the weights, whose parent is the apex Service, between the slots' Services.
import {ownOrBorrowed} from '../shared/borrowed-routes.ts'
import type {Mesh} from '../types.ts'
import {claims, interests} from './claims.ts'
import {gatewayApiVersion, linkerdApiVersion, linkerdOf, routedPort} from './context.ts'
import {counters} from './counters.ts'
import {features, limits} from './features.ts'
import {problems} from './problems.ts'
import {readRoute, renderRoute} from './route.ts'
import {confirmed, settlingMilliseconds} from './status.ts'

export const linkerd: Mesh = {
  name: 'linkerd',
  kinds: [
    {apiVersion: gatewayApiVersion, kind: 'HTTPRoute', plural: 'httproutes'},
    {apiVersion: gatewayApiVersion, kind: 'GRPCRoute', plural: 'grpcroutes'},
    {apiVersion: linkerdApiVersion, kind: 'ServiceProfile', plural: 'serviceprofiles'},
  ],
  claims,
  interests,
  /** The slots' Services are all that a route names. */
  renderDestinations: () => [],
  ...ownOrBorrowed({
    borrowing: context => linkerdOf(context).route,
    render: renderRoute,
    read: readRoute,
    port: routedPort,
    lone: true,
  }),
  confirmed,
  settlingMilliseconds,
  problems,
  counters,
  features,
  limits,
}
