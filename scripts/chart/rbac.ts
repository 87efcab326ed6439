// Every right that the controller uses, with the place that uses it. The chart's roles, the table in the documentation
// and the lane that takes one right away at a time all come from here.
import {group} from '../../crds/names.ts'

export interface Permission {
  apiGroup: string
  resource: string
  verbs: readonly Verb[]
  /** What the controller does with it. */
  reason: string
  /** Names of the only objects of the resource. */
  names?: readonly string[]
  /** The resource lies in no namespace: a Role can't give it. */
  scope?: 'Cluster'
  /** Values of the chart that render it, any one of them; always when absent. */
  when?: readonly ('meshes.istio' | 'meshes.gatewayAPI' | 'meshes.linkerd')[]
}

type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'

const follow: readonly Verb[] = ['list', 'watch']
/** A server-side apply of an object that isn't there yet needs `create` beside `patch`. */
const own: readonly Verb[] = ['list', 'watch', 'create', 'patch', 'delete']

/** Rights in the namespaces that the controller looks at. */
export const permissions: readonly Permission[] = [
  {apiGroup: group, resource: 'rollouts', verbs: ['list', 'watch', 'patch'], reason: 'follow them; set the finalizer'},
  {
    apiGroup: group,
    resource: 'rollouts/scale',
    verbs: ['patch'],
    reason: 'give an autoscaler that targets a Rollout a number to start from',
  },
  {apiGroup: group, resource: 'rollouts/status', verbs: ['update'], reason: 'write what was decided'},
  {
    apiGroup: group,
    resource: 'gitsyncs',
    verbs: ['get', 'list', 'watch', 'patch'],
    reason: 'follow them, read one afresh before a pass; set the finalizer',
  },
  {apiGroup: group, resource: 'gitsyncs/status', verbs: ['update'], reason: 'write what was applied'},
  {apiGroup: group, resource: 'metrictemplates', verbs: follow, reason: 'queries of checks'},
  {apiGroup: group, resource: 'alertchannels', verbs: follow, reason: 'where alerts go'},
  {
    apiGroup: 'apps',
    resource: 'deployments',
    verbs: own,
    reason: 'follow targets; make and remove the slots; give a target its template back',
  },
  {
    apiGroup: 'apps',
    resource: 'daemonsets',
    verbs: own,
    reason: 'follow targets and park them; make and remove the slots; give a target its template back',
  },
  {apiGroup: 'apps', resource: 'deployments/scale', verbs: ['patch'], reason: 'replicas of slots and of the target'},
  {apiGroup: 'apps', resource: 'controllerrevisions', verbs: own, reason: 'snapshots of revisions'},
  {apiGroup: '', resource: 'services', verbs: own, reason: "the slots' Services; the apex Service's selector"},
  {
    apiGroup: '',
    resource: 'configmaps',
    verbs: ['get', ...own],
    reason: 'notice changes; read those that a target uses; copies',
  },
  {apiGroup: '', resource: 'pods', verbs: follow, reason: "the slots' pods (by label): ready, terminating"},
  {
    apiGroup: 'discovery.k8s.io',
    resource: 'endpointslices',
    verbs: follow,
    reason: "ready endpoints of the slots' Services",
  },
  {
    apiGroup: 'autoscaling',
    resource: 'horizontalpodautoscalers',
    verbs: follow,
    reason: 'refuse one that scales a target',
  },
  {
    apiGroup: '',
    resource: 'persistentvolumeclaims',
    verbs: ['get'],
    reason: 'refuse a volume that two slots cannot share',
  },
  {apiGroup: '', resource: 'namespaces', verbs: ['get'], reason: 'step aside when the namespace is being deleted'},
  {apiGroup: '', resource: 'events', verbs: ['create', 'patch'], reason: 'events, counted up when they come again'},
  {
    apiGroup: 'networking.istio.io',
    resource: 'virtualservices',
    verbs: own,
    reason: 'the route',
    when: ['meshes.istio'],
  },
  {
    apiGroup: 'networking.istio.io',
    resource: 'destinationrules',
    verbs: own,
    reason: "the slots' destinations",
    when: ['meshes.istio'],
  },
  {
    apiGroup: 'networking.istio.io',
    resource: 'envoyfilters',
    verbs: own,
    reason: "a canary's rate limit, and the faults of a step",
    when: ['meshes.istio'],
  },
  {
    apiGroup: 'gateway.networking.k8s.io',
    resource: 'httproutes',
    verbs: own,
    reason: 'the route',
    when: ['meshes.gatewayAPI', 'meshes.linkerd'],
  },
  {
    apiGroup: 'gateway.networking.k8s.io',
    resource: 'grpcroutes',
    verbs: own,
    reason: 'the route of a gRPC port',
    when: ['meshes.gatewayAPI', 'meshes.linkerd'],
  },
  {
    apiGroup: 'gateway.networking.k8s.io',
    resource: 'gateways',
    verbs: follow,
    reason: 'parents of the route',
    when: ['meshes.gatewayAPI'],
  },
  {
    apiGroup: 'gateway.networking.k8s.io',
    resource: 'gatewayclasses',
    verbs: follow,
    reason: 'who serves the parents of the route, and which features they have',
    scope: 'Cluster',
    when: ['meshes.gatewayAPI'],
  },
  {
    apiGroup: 'apiextensions.k8s.io',
    resource: 'customresourcedefinitions',
    names: ['httproutes.gateway.networking.k8s.io'],
    verbs: follow,
    reason: 'which release of the Gateway API is installed',
    scope: 'Cluster',
    when: ['meshes.gatewayAPI'],
  },
  {
    apiGroup: 'linkerd.io',
    resource: 'serviceprofiles',
    verbs: follow,
    reason: 'refuse one that overrides the route',
    when: ['meshes.linkerd'],
  },
]

/** Rights in the namespace of the controller itself. */
export const leasePermissions: readonly Permission[] = [
  {
    apiGroup: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['get', 'watch', 'create', 'patch'],
    reason: 'leader election',
  },
]

/** Rights on Secrets in `secrets.trackedNamespaces`. */
export const trackedSecretVerbs: readonly Verb[] = ['get', ...own]
