// Permissive CRDs of the two Istio resources that the playground's mesh reads.
import type {KubeObject} from '../../crds/meta.ts'

function istioCrd(kind: string, plural: string, shortName: string, columns: object[]): KubeObject {
  const open = {type: 'object', 'x-kubernetes-preserve-unknown-fields': true}
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {name: `${plural}.networking.istio.io`},
    spec: {
      group: 'networking.istio.io',
      names: {
        plural,
        singular: kind.toLowerCase(),
        kind,
        listKind: `${kind}List`,
        shortNames: [shortName],
        categories: ['istio-io', 'networking-istio-io'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
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

/** VirtualService and DestinationRule (networking.istio.io/v1), with any fields under spec and status. */
export const istioCrds: readonly KubeObject[] = [
  istioCrd('VirtualService', 'virtualservices', 'vs', [
    {name: 'Gateways', type: 'string', jsonPath: '.spec.gateways'},
    {name: 'Hosts', type: 'string', jsonPath: '.spec.hosts'},
  ]),
  istioCrd('DestinationRule', 'destinationrules', 'dr', [{name: 'Host', type: 'string', jsonPath: '.spec.host'}]),
]
