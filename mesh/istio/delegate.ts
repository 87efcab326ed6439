// A route that rules of the user's VirtualServices delegate to.
import type {KubeObject} from '../../crds/meta.ts'
import {isOwn, ownMetadata} from '../shared/own.ts'
import type {MeshContext, MeshObjects, MeshProblem} from '../types.ts'
import {delegates} from './claims.ts'
import {istioOf, namedObject, objectsOf} from './context.ts'
import {serviceHost} from './hosts.ts'
import {gatewayPort} from './ports.ts'

/** What is missing while no VirtualService leads to the delegate. */
export function unusedDelegate(context: MeshContext, objects: MeshObjects): MeshProblem | undefined {
  if (!istioOf(context).delegate) return undefined
  const {namespace} = context.rollout
  const name = `VirtualService ${namespace}/${context.apex.name}`
  if (objectsOf(objects, 'VirtualService').some(route => delegates(route).includes(name))) return undefined
  return {
    reason: 'DelegateUnused',
    object: name,
    field: 'spec.http',
    problem: 'no VirtualService delegates to it, so it routes nothing',
    fix: `write delegate: {name: ${context.apex.name}, namespace: ${namespace}} into a rule of your own VirtualService`,
  }
}

/**
 * The delegate as it stays behind: it leads to the apex Service, and is nobody's release any more. Rules that lead to it
 * would fail without it.
 */
export function renderDelegateBack(context: MeshContext, objects: MeshObjects): KubeObject[] {
  const live = namedObject(context, objectsOf(objects, 'VirtualService'), context.apex.name)
  const port = gatewayPort(context.apex.ports)?.port
  if (!live || !isOwn(context, live) || port === undefined) return []
  const {annotations: _annotations, ...metadata} = ownMetadata(context, context.apex.name)
  const host = serviceHost(context.apex.name, context.rollout.namespace)
  return [
    {
      apiVersion: live.apiVersion,
      kind: live.kind,
      metadata,
      spec: {http: [{route: [{destination: {host, port: {number: port}}, weight: 100}]}]},
    },
  ]
}
