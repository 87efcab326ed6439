// Permissive CRDs of the meshes' resources that the controller reads and writes.
import type {KubeObject} from '../../crds/meta.ts'

interface Definition {
  group: string
  version: string
  kind: string
  plural: string
  shortNames?: string[]
  /** Namespaced when absent. */
  scope?: 'Cluster'
  /** Release of the project, as its bundle says it. */
  bundle?: string
  /** Further columns of kubectl's table. */
  columns?: object[]
}

const istio = {group: 'networking.istio.io', version: 'v1'}
const gatewayApi = {group: 'gateway.networking.k8s.io', version: 'v1', bundle: 'v1.6.1'}
const hostnames = [{name: 'Hostnames', type: 'string', jsonPath: '.spec.hostnames'}]

const definitions: readonly Definition[] = [
  {
    ...istio,
    kind: 'VirtualService',
    plural: 'virtualservices',
    shortNames: ['vs'],
    columns: [
      {name: 'Gateways', type: 'string', jsonPath: '.spec.gateways'},
      {name: 'Hosts', type: 'string', jsonPath: '.spec.hosts'},
    ],
  },
  {
    ...istio,
    kind: 'DestinationRule',
    plural: 'destinationrules',
    shortNames: ['dr'],
    columns: [{name: 'Host', type: 'string', jsonPath: '.spec.host'}],
  },
  {...istio, version: 'v1alpha3', kind: 'EnvoyFilter', plural: 'envoyfilters'},
  {...gatewayApi, scope: 'Cluster', kind: 'GatewayClass', plural: 'gatewayclasses', shortNames: ['gc']},
  {...gatewayApi, kind: 'Gateway', plural: 'gateways', shortNames: ['gtw']},
  {...gatewayApi, kind: 'HTTPRoute', plural: 'httproutes', columns: hostnames},
  {...gatewayApi, kind: 'GRPCRoute', plural: 'grpcroutes', columns: hostnames},
  {group: 'linkerd.io', version: 'v1alpha2', kind: 'ServiceProfile', plural: 'serviceprofiles', shortNames: ['sp']},
]

/** The resources of Istio, the Gateway API and Linkerd, with any fields under spec and status. */
export const meshCrds: readonly KubeObject[] = definitions.map(definitionOf)

function definitionOf(definition: Definition): KubeObject {
  const {group, version, kind, plural, scope = 'Namespaced', bundle, shortNames = [], columns = []} = definition
  const annotations = bundle === undefined ? {} : {annotations: {[`${group}/bundle-version`]: bundle}}
  const open = {type: 'object', 'x-kubernetes-preserve-unknown-fields': true}
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {name: `${plural}.${group}`, ...annotations},
    spec: {
      group,
      names: {
        plural,
        singular: kind.toLowerCase(),
        kind,
        listKind: `${kind}List`,
        shortNames,
        ...(group === istio.group ? {categories: ['istio-io', 'networking-istio-io']} : {}),
      },
      scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {openAPIV3Schema: {type: 'object', properties: {spec: open, status: open}}},
          subresources: {status: {}},
          additionalPrinterColumns: [...columns, {name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp'}],
        },
      ],
    },
  }
}
