// Values of the objects that are off unless somebody wants them.
import {z} from 'zod'

const text = (description: string, value: string) => z.string().default(value).describe(description)
const labels = z.record(z.string(), z.string()).default({}).describe('Labels by which a Prometheus selects it.')
const ports = (description: string, value: number[]) =>
  z.array(z.int().min(1).max(65_535)).default(value).describe(description)
const peers = (description: string) =>
  z
    .array(z.record(z.string(), z.unknown()))
    .default([])
    .describe(`${description} NetworkPolicyPeers; anywhere when empty.`)

export const monitoringValues = {
  serviceMonitor: z
    .strictObject({
      enabled: z.boolean().default(false).describe('Make a ServiceMonitor (Prometheus operator).'),
      interval: text('Time between two scrapes.', '30s'),
      scrapeTimeout: text('Longest time of a scrape.', '10s'),
      labels,
    })
    .describe('How the Prometheus operator finds the metrics.'),
  prometheusRule: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe('Make a PrometheusRule with alerts and recording rules (Prometheus operator).'),
      labels,
      stalledAfter: z
        .string()
        .regex(/^[0-9]+[smhd]$/)
        .default('1h')
        .describe(
          'A release whose weight has not moved for so long counts as stalled; longer than your longest pause.',
        ),
      recordings: z
        .boolean()
        .default(true)
        .describe('Record requests, failures, durations and pods by role, for dashboards (docs/dashboards.md).'),
      window: z
        .string()
        .regex(/^[0-9]+[smh]$/)
        .default('2m')
        .describe('Time over which recorded rates are taken; at least four scrapes of the proxies.'),
    })
    .describe(
      'Alerts: rolled back, stalled, controller down, not leading, failing, or lacking a permission. Recordings: what each role serves.',
    ),
}

export const networkPolicyValues = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Make a NetworkPolicy.'),
    metricsFrom: peers('Who may read the metrics.'),
    apiServerTo: peers('Where the API server is.'),
    apiServerPorts: ports('Its ports, those behind the Service kubernetes.', [443, 6443]),
    prometheusTo: peers('Where Prometheus is.'),
    prometheusPorts: ports('Its ports, those of its pods.', [9090]),
    outsideTo: peers('Where Git repositories and alert receivers are.'),
    outsidePorts: ports('Their ports.', [22, 443]),
  })
  .describe('Network traffic of the controller. DNS is allowed to any address.')

export const admissionPolicyValues = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Make ValidatingAdmissionPolicies (Kubernetes 1.30) that keep others from removing a slot that has pods.',
      ),
    exemptUsers: z
      .array(z.string())
      .default([
        'system:serviceaccount:kube-system:namespace-controller',
        'system:serviceaccount:kube-system:generic-garbage-collector',
        'system:kube-controller-manager',
      ])
      .describe('Users beside the controller who may: those of Kubernetes itself, for the deletion of namespaces.'),
  })
  .describe('Guard of the serving slots.')
