// How traffic is moved: the settings of each mesh.
import {z} from 'zod'
import {duration, objectName} from './common.ts'

/** Whether another manager of a borrowed route may go on writing the fields that Fairlead changes. */
const ownership = z
  .enum(['exclusive', 'shared'])
  .default('exclusive')
  .describe(
    'exclusive: a release is refused while another tool manages the rules. shared: you have told that tool to leave them alone.',
  )

const istio = z
  .strictObject({
    hosts: z
      .array(z.string().min(1).max(253))
      .max(64)
      .default([])
      .describe("Further hosts of the VirtualService; the Service's own names are always added."),
    gateways: z
      .array(z.string().min(1).max(253))
      .max(32)
      .default([])
      .describe('Further gateways, as namespace/name; `mesh` is always added.'),
    delegate: z
      .literal(true)
      .optional()
      .describe(
        'Fairlead writes a VirtualService without hosts, named after the Service, to which rules of yours delegate; nothing of yours is edited. HTTP and gRPC only.',
      ),
    virtualService: z
      .strictObject({
        name: objectName.describe('Name of the VirtualService, in the same namespace.'),
        routes: z
          .array(z.string().min(1).max(253))
          .min(1)
          .max(32)
          .optional()
          .describe('Names of the rules under spec.http; every rule that leads to the Service when unset.'),
        ownership,
      })
      .optional()
      .describe(
        'A VirtualService of yours: Fairlead changes the destinations of its rules that lead to the Service, and nothing else.',
      ),
    dataPlane: z
      .enum(['sidecar', 'ambient'])
      .optional()
      .describe(
        'sidecar when unset. ambient: requests pass a waypoint, which the Service has to use (label istio.io/use-waypoint).',
      ),
    waypoint: z
      .literal('namespace')
      .optional()
      .describe(
        'How the Service uses its waypoint where no label istio.io/use-waypoint of its own says so: namespace, by that label of its namespace, which the controller does not read. Without a waypoint the weights have no effect, so a release is refused.',
      ),
    settlingTime: duration
      .default('8s')
      .describe(
        'How long after its write a new weight counts as in force: Istio reports no status for a VirtualService. A share rises no sooner after its pods are ready, either.',
      ),
  })
  .meta({
    description: 'Traffic through Istio: a VirtualService and a DestinationRule per slot.',
    'x-kubernetes-validations': [
      {
        rule: '!has(self.delegate) || !has(self.virtualService)',
        message: 'set at most one of delegate and virtualService',
      },
      {
        rule: "!has(self.waypoint) || (has(self.dataPlane) && self.dataPlane == 'ambient')",
        message: 'waypoint belongs to dataPlane ambient',
      },
      {
        rule: '(!has(self.delegate) && !has(self.virtualService)) || (self.hosts.size() == 0 && self.gateways.size() == 0)',
        message: 'hosts and gateways belong to your own VirtualService, where delegate or virtualService is set',
      },
    ],
  })

const borrowedRoute = z
  .strictObject({
    kind: z.enum(['HTTPRoute', 'GRPCRoute']).optional().describe('HTTPRoute when unset.'),
    name: objectName.describe('Name of the route, in the same namespace.'),
    rules: z
      .array(z.string().min(1).max(253))
      .min(1)
      .max(16)
      .optional()
      .describe(
        'Names of its rules; every rule that leads to the Service when unset. Not with Linkerd, which ignores a route whose rules have names.',
      ),
    ownership,
  })
  .describe(
    'A route of yours: Fairlead changes the backends of its rules that lead to the Service, and nothing else. Weights alone: no matches, mirroring or sticky users.',
  )

const parentRef = z.strictObject({
  group: z.string().max(253).optional().describe('API group of the parent; gateway.networking.k8s.io when unset.'),
  kind: z.string().min(1).max(63).optional().describe('Kind of the parent; Gateway when unset.'),
  name: objectName.describe('Name of the parent.'),
  namespace: z.string().min(1).max(63).optional().describe("Namespace of the parent; the Rollout's own when unset."),
  sectionName: z.string().min(1).max(253).optional().describe('Name of one listener; all listeners when unset.'),
  port: z.int().min(1).max(65_535).optional().describe('Port of the listeners; all ports when unset.'),
})

const gatewayClass = z
  .strictObject({
    controllerName: z
      .string()
      .min(1)
      .max(253)
      .describe(
        'Its spec.controllerName, such as gateway.envoyproxy.io/gatewayclass-controller: whoever begins with gateway.envoyproxy.io/ is Envoy Gateway.',
      ),
    supportedFeatures: z
      .array(z.string().min(1).max(128))
      .max(256)
      .optional()
      .describe(
        "Extended features of the Gateway API that it has, by the names of the API's conformance reports, such as HTTPRouteRequestMirror. Unset: all that Fairlead uses for Envoy Gateway, none for others.",
      ),
  })
  .describe(
    "Who serves the parents. Unset: what the GatewayClass of each Gateway says. To be set where the controller may not read GatewayClasses (it looks at one namespace), where the class doesn't list its features, and for parents that are Services.",
  )

const gatewayAPI = z
  .strictObject({
    route: borrowedRoute.optional(),
    gatewayClass: gatewayClass.optional(),
    parentRefs: z
      .array(parentRef)
      .min(1)
      .max(32)
      .optional()
      .describe('Gateways that the route attaches to; Services (group "") where the implementation has GAMMA.'),
    hosts: z
      .array(
        z
          .string()
          .min(1)
          .max(253)
          .regex(/^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/),
      )
      .max(16)
      .default([])
      .describe('Host names of the HTTPRoute, such as shop.example.com; every host of the listeners when empty.'),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe(
        'Port of the Service that requests are sent to. Unset: the first whose appProtocol or name says that it is HTTP, else the first that says nothing of its protocol.',
      ),
    settlingTime: duration
      .default('2s')
      .describe(
        "Shortest time from the write of a new weight until it counts as in force, beside the route's status: that says that the gateway's controller has the route, not that every proxy has it. A share rises no sooner after its pods are ready, either.",
      ),
  })
  .meta({
    description:
      "Traffic through gateways of the Gateway API: an HTTPRoute, or a GRPCRoute where the port has appProtocol grpc. A weight counts as in force once every parent has accepted the route. Callers inside the cluster that use the Service's name always reach the primary, unless the Service itself is a parent (GAMMA). What goes beyond the core of the API (mirroring, sticky users, query parameters) is refused unless the GatewayClass says that its implementation has it. The built-in metrics are those of Envoy Gateway; leave clusterStatName of its EnvoyProxy unset.",
    'x-kubernetes-validations': [
      {
        rule: 'has(self.route) != has(self.parentRefs)',
        message: "set exactly one: parentRefs, for a route of Fairlead's, or route, for one of yours",
      },
      {
        rule: '!has(self.route) || self.hosts.size() == 0',
        message: 'hosts belong to your own route, where route is set',
      },
    ],
  })

const linkerd = z
  .strictObject({
    route: borrowedRoute.optional(),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe(
        'Port of the Service whose requests are shared out. Unset: the first whose appProtocol or name says that it is HTTP or gRPC, else the first that says nothing of its protocol. Its other ports move with the primary.',
      ),
    settlingTime: duration
      .default('5s')
      .describe(
        "How long after its write a new weight counts as in force, once Linkerd has accepted the route: its conditions don't say which weights they are about. A share rises no sooner after its pods are ready, either.",
      ),
  })
  .describe(
    "Traffic through Linkerd: an HTTPRoute whose parent is the Service, or a GRPCRoute where the port has appProtocol grpc. It holds for meshed callers; others reach the primary. The built-in metrics are those of Linkerd's proxies; their own side needs the labels namespace and deployment, which the scrape configuration of linkerd-viz sets.",
  )

const none = z
  .strictObject({
    settlingTime: duration
      .default('5s')
      .describe('How long after its write the selector of the Service counts as in force on every node.'),
  })
  .describe(
    "No mesh: the selector of the Service moves. Blue/green is exact. A canary is approximate: its share is that of its pods, at least one beside all of the primary's, so weights go up to 50. Connections that are open stay where they are. There are no built-in metrics: checks are thresholds with a query of yours.",
  )

export const traffic = z
  .strictObject({
    istio: istio.optional(),
    gatewayAPI: gatewayAPI.optional(),
    linkerd: linkerd.optional(),
    none: none.optional(),
  })
  .meta({
    description: 'How traffic is moved: exactly one mesh, or none.',
    'x-kubernetes-validations': [
      {
        rule: '[has(self.istio), has(self.gatewayAPI), has(self.linkerd), has(self.none)].filter(x, x).size() == 1',
        message: 'set exactly one mesh: istio, gatewayAPI, linkerd or none',
      },
    ],
  })
