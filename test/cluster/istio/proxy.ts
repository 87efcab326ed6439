// A real Envoy that asks istiod for everything, as a sidecar or as a gateway.
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {envoyBinary} from '../envoy/gateway.ts'
import {type RunningProcess, startProcess, untilUp} from '../process.ts'
import {discoveryPort} from './istiod.ts'

export interface ProxyOptions {
  kind: 'sidecar' | 'router'
  /** Of the pod that it stands before. */
  name: string
  namespace: string
  address: string
  labels: Record<string, string>
  region?: string
  adminPort: number
}

const upMilliseconds = 150_000
const mostRegexInstructions = 32_768

/** Starts it; resolves once istiod has told it all that it needs. */
export async function startProxy(options: ProxyOptions, folder: string): Promise<RunningProcess> {
  const file = join(folder, `${options.name}.json`)
  writeFileSync(file, JSON.stringify(bootstrap(options)))
  const {adminPort, name} = options
  const running = startProcess(envoyBinary(), ['-c', file, '--log-level', 'warning', '--use-dynamic-base-id'], {
    logFile: join(folder, `${name}.log`),
  })
  const ready = async () => (await fetch(`http://127.0.0.1:${adminPort}/ready`)).ok
  await untilUp(`Envoy ${name}`, running, ready, upMilliseconds)
  return running
}

function bootstrap({kind, name, namespace, address, labels, region, adminPort}: ProxyOptions): object {
  return {
    node: {
      id: `${kind}~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: name,
      ...(region === undefined ? {} : {locality: {region}}),
      metadata: {
        NAMESPACE: namespace,
        NAME: name,
        LABELS: labels,
        CLUSTER_ID: 'Kubernetes',
        INSTANCE_IPS: address,
        MESH_ID: 'cluster.local',
      },
    },
    // As in Istio's own bootstrap: without it Envoy takes no regular expression of more than a few dozen characters.
    layered_runtime: {
      layers: [{name: 'global', static_layer: {'re2.max_program_size.error_level': mostRegexInstructions}}],
    },
    admin: {address: socket('127.0.0.1', adminPort)},
    dynamic_resources: {
      ads_config: grpc(),
      lds_config: {ads: {}, resource_api_version: 'V3'},
      cds_config: {ads: {}, resource_api_version: 'V3'},
    },
    static_resources: {
      clusters: [
        {
          name: 'xds-grpc',
          type: 'STATIC',
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: {http2_protocol_options: {}},
            },
          },
          load_assignment: {
            cluster_name: 'xds-grpc',
            endpoints: [{lb_endpoints: [{endpoint: {address: socket('127.0.0.1', discoveryPort)}}]}],
          },
        },
      ],
    },
  }
}

function grpc(): object {
  return {api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [{envoy_grpc: {cluster_name: 'xds-grpc'}}]}
}

function socket(address: string, port: number): object {
  return {socket_address: {address, port_value: port}}
}
