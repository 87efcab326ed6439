// What the cluster refuses, told as a problem of a Rollout: which right, webhook or CustomResourceDefinition it is, and the
// fix. Such a problem holds a Rollout as it is; nothing is decided on half of the objects.
import type {KubeObject} from '../../crds/meta.ts'
import {apiVersion} from '../../crds/names.ts'
import type {Mesh} from '../../mesh/types.ts'
import type {Problem} from '../core/observation.ts'
import {ClusterError} from '../ports.ts'
import type {Lookup} from './lookup.ts'

/** Kinds without which no decision about a Rollout is sound, whatever its mesh. */
const neededKinds: readonly [version: string, kind: string][] = [
  [apiVersion, 'Rollout'],
  [apiVersion, 'AlertChannel'],
  [apiVersion, 'MetricTemplate'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'ControllerRevision'],
  ['v1', 'Service'],
  ['v1', 'Pod'],
  ['v1', 'ConfigMap'],
  ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
]

/** How webhooks that deny or can't be asked begin their messages, with whatever HTTP status. */
const webhookMessage = /admission webhook|failed calling webhook/

/** The kind that a Rollout of this mesh needs and that the API server forbids to read. */
export function unreadable(rollout: KubeObject, mesh: Mesh, lookup: Lookup): Problem | undefined {
  const daemonSets = rollout.spec?.targetRef?.kind === 'DaemonSet' ? [['apps/v1', 'DaemonSet'] as const] : []
  const meshKinds = mesh.kinds.map(({apiVersion: version, kind}) => [version, kind] as const)
  for (const [version, kind] of [...neededKinds, ...daemonSets, ...meshKinds]) {
    const message = lookup.forbidden(version, kind, rollout.metadata.namespace)
    if (message === undefined) continue
    return {
      reason: 'ReadForbidden',
      object: `${kind} (${version})`,
      field: 'list and watch',
      problem: message,
      fix: "give the controller's ServiceAccount these verbs; until then everything stays as it is",
    }
  }
  return undefined
}

/** How the API server says that an apply has a field that the kind lacks, or of another type; with HTTP status 500. */
const schemaMessage = /^failed to create typed patch object/

/** A refusal that stands until somebody changes something; anything else passes by. */
export function lasting({status, message}: ClusterError): boolean {
  const isRefusal = status === 400 || status === 403 || status === 422
  return isRefusal || webhookMessage.test(message) || schemaMessage.test(message)
}

/** Somebody else wrote first, and the next pass sees what. A webhook may answer 409 too, and answers so again. */
export function lostToAnother({status, message}: ClusterError): boolean {
  return status === 409 && !webhookMessage.test(message)
}

/** Why a pass could not read what it needs; undefined when the trouble passes by itself. */
export function readRefused(rollout: KubeObject, error: unknown): Problem | undefined {
  if (!(error instanceof ClusterError && error.status === 403)) return undefined
  return {
    reason: 'ReadForbidden',
    object: rolloutName(rollout),
    field: 'get',
    problem: error.message,
    fix: "give the controller's ServiceAccount this verb; until then everything stays as it is",
  }
}

/** Why the status could not be written. */
export function statusRefused(rollout: KubeObject, error: ClusterError): Problem {
  const reason = 'StatusRefused'
  if (error.status === 403 || webhookMessage.test(error.message)) {
    return {
      reason,
      object: rolloutName(rollout),
      field: 'status',
      problem: error.message,
      fix: 'let the controller update rollouts/status; nothing is done before its status is written',
    }
  }
  return {
    reason,
    object: 'CustomResourceDefinition rollouts.fairlead.dev',
    field: 'status',
    problem: `it does not take the status of this version of the controller: ${error.message}`,
    fix: 'apply the CustomResourceDefinitions of this version; nothing is done before the status is written',
  }
}

function rolloutName({metadata: {namespace, name}}: KubeObject): string {
  return `Rollout ${namespace}/${name}`
}
