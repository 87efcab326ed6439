// Values that decide what the controller may do.
import {z} from 'zod'

const namespaceName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
const objectName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)

export const meshValues = z
  .strictObject({
    istio: z
      .boolean()
      .default(true)
      .describe('Rollouts may use Istio (VirtualServices, DestinationRules and EnvoyFilters).'),
    gatewayAPI: z.boolean().default(true).describe('Rollouts may use the Gateway API (HTTPRoutes and GRPCRoutes).'),
    linkerd: z
      .boolean()
      .default(true)
      .describe('Rollouts may use Linkerd (HTTPRoutes, GRPCRoutes; ServiceProfiles are read).'),
  })
  .describe('Meshes that are looked at and written to. One that is not installed may stay on.')

export const secretValues = z
  .strictObject({
    names: z
      .array(z.strictObject({namespace: namespaceName, name: objectName}))
      .default([])
      .describe(
        'Secrets that the controller may read (get), one by one, each as {namespace: shop, name: slack}: credentials of GitSyncs, addresses of AlertChannels, connections of MetricTemplates.',
      ),
    namespaces: z
      .array(namespaceName)
      .default([])
      .describe('Namespaces in which it may read every Secret whose name it is given (get, not list).'),
    trackedNamespaces: z
      .array(namespaceName)
      .default([])
      .describe(
        'Namespaces whose Rollouts may set spec.revision.trackSecrets. There the controller may read, list, copy and delete every Secret.',
      ),
  })
  .describe('Secrets: none can be read unless it stands here.')

const rule = z.strictObject({
  apiGroups: z.array(z.string()).optional(),
  resources: z.array(z.string()).optional(),
  resourceNames: z.array(z.string()).optional(),
  nonResourceURLs: z.array(z.string()).optional(),
  verbs: z.array(z.string()).min(1),
})

export const gitSyncValues = z
  .strictObject({
    rules: z
      .array(rule)
      .default([])
      .describe('Further RBAC rules, for what GitSyncs apply: get, create, patch and delete on each kind.'),
    clusterRole: z
      .string()
      .max(253)
      .default('')
      .describe(
        'An existing ClusterRole that the controller gets as well, such as edit. Whoever may write a GitSync can then use all of it.',
      ),
  })
  .describe("What GitSyncs may apply. They act with the controller's own permissions, and get none by default.")
