// How traffic is moved: the settings of each mesh.
import {z} from 'zod'
import {duration, objectName} from './common.ts'

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
    settlingTime: duration
      .default('8s')
      .describe(
        'How long after its write a new weight counts as in force: Istio reports no status for a VirtualService.',
      ),
  })
  .describe('Traffic through Istio: a VirtualService and a DestinationRule per slot.')

const parentRef = z.strictObject({
  group: z.string().max(253).optional().describe('API group of the parent; gateway.networking.k8s.io when unset.'),
  kind: z.string().min(1).max(63).optional().describe('Kind of the parent; Gateway when unset.'),
  name: objectName.describe('Name of the parent.'),
  namespace: z.string().min(1).max(63).optional().describe("Namespace of the parent; the Rollout's own when unset."),
  sectionName: z.string().min(1).max(253).optional().describe('Name of one listener; all listeners when unset.'),
  port: z.int().min(1).max(65_535).optional().describe('Port of the listeners; all ports when unset.'),
})

const gatewayAPI = z
  .strictObject({
    parentRefs: z.array(parentRef).min(1).max(32).describe('Gateways that the HTTPRoute attaches to.'),
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
        "Shortest time from the write of a new weight until it counts as in force, beside the route's status: that says that the gateway's controller has the route, not that every proxy has it.",
      ),
  })
  .describe(
    "Traffic through gateways of the Gateway API: an HTTPRoute. A weight counts as in force once every parent has accepted the route. Callers inside the cluster that use the Service's name always reach the primary. The built-in metrics are those of Envoy Gateway; leave clusterStatName of its EnvoyProxy unset.",
  )

const linkerd = z
  .strictObject({
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
        "How long after its write a new weight counts as in force, once Linkerd has accepted the route: its conditions don't say which weights they are about.",
      ),
  })
  .describe(
    "Traffic through Linkerd: an HTTPRoute whose parent is the Service, or a GRPCRoute where the port has appProtocol grpc. It holds for meshed callers; others reach the primary. The built-in metrics are those of Linkerd's proxies; their own side needs the labels namespace and deployment, which the scrape configuration of linkerd-viz sets.",
  )

export const traffic = z
  .strictObject({istio: istio.optional(), gatewayAPI: gatewayAPI.optional(), linkerd: linkerd.optional()})
  .meta({
    description: 'How traffic is moved: exactly one mesh.',
    'x-kubernetes-validations': [
      {
        rule: '[has(self.istio), has(self.gatewayAPI), has(self.linkerd)].filter(x, x).size() == 1',
        message: 'set exactly one mesh: istio, gatewayAPI or linkerd',
      },
    ],
  })
