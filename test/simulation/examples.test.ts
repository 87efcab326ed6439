// The manifests in examples/ are what they say: the schemas take them, no mesh refuses what they ask for, and each of their
// checks has queries that PromQL's own grammar takes. A real API server takes them in test/cluster/examples.lane.ts.
import {readdirSync, readFileSync} from 'node:fs'
import {parser} from '@prometheus-io/lezer-promql'
import {describe, expect, test} from 'vitest'
import {parseAllDocuments} from 'yaml'
import {planQueries} from '../../analysis/plan.ts'
import {refusals} from '../../controller/core/refusals.ts'
import {alertChannelSpec} from '../../crds/alert-channel.ts'
import {gitSyncSpec} from '../../crds/git-sync.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {metricTemplateSpec} from '../../crds/metric-template.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import {plainWorld, worldBeside} from './settings-world.ts'

const folder = new URL('../../examples/', import.meta.url)
const specs: Record<string, {parse(value: unknown): unknown}> = {
  Rollout: rolloutSpec,
  MetricTemplate: metricTemplateSpec,
  AlertChannel: alertChannelSpec,
  GitSync: gitSyncSpec,
}
/** The Gateway that examples name is Envoy Gateway's, which is known by its class. */
const gateway: KubeObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: {name: 'public', namespace: 'gateways'},
  spec: {gatewayClassName: 'envoy'},
}
const gatewayClass: KubeObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GatewayClass',
  metadata: {name: 'envoy'},
  spec: {controllerName: 'gateway.envoyproxy.io/gatewayclass-controller'},
}
const files = readdirSync(folder).map(file => ({file, objects: objectsIn(file)}))
const withRollout = files.filter(({objects}) => objects.some(({kind}) => kind === 'Rollout'))

function objectsIn(file: string): KubeObject[] {
  return parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map(document => document.toJS())
}

function ofKind(objects: KubeObject[], kind: string): KubeObject | undefined {
  return objects.find(one => one.kind === kind)
}

test.each(files)('$file: the schemas take it', ({objects}) => {
  for (const {kind, spec} of objects) specs[kind]?.parse(spec)
  expect(objects.some(({kind}) => kind in specs)).toBe(true)
})

describe.each(withRollout)('$file', ({objects}) => {
  const spec = rolloutSpec.parse(ofKind(objects, 'Rollout')?.spec)

  test('is not refused', () => {
    const ports = ofKind(objects, 'Service')?.spec.ports ?? [{name: 'http', port: 80}]
    const observed = worldBeside(plainWorld(), spec, ports, [gateway, gatewayClass])
    const settings = refusals(observed).filter(({reason}) => /^(Invalid|Unsupported|NoRoutablePort)/.test(reason))
    expect(settings).toEqual([])
  })

  test('its checks can be asked', () => {
    const template = ofKind(objects, 'MetricTemplate')
    const planned = planQueries({
      checks: spec.analysis.checks,
      templates: name => (name === template?.metadata.name ? metricTemplateSpec.parse(template.spec) : undefined),
      variables: {
        namespace: 'shop',
        rollout: 'worker',
        canaryWorkload: 'worker-b',
        primaryWorkload: 'worker-a',
        window: '60s',
      },
    })
    expect(planned.flatMap(plan => ('problem' in plan ? plan.problem.message : []))).toEqual([])
    const asked = spec.analysis.checks.filter(
      ({threshold}) => threshold && ('query' in threshold || 'templateRef' in threshold),
    )
    const queries = planned.flatMap(plan => ('queries' in plan ? plan.queries : []))
    expect(queries).toHaveLength(asked.length)
    for (const {query} of queries) expect(errorsIn(query)).toEqual([])
  })
})

function errorsIn(query: string): string[] {
  const errors: string[] = []
  parser.parse(query).iterate({
    enter: ({type, from, to}) => {
      if (type.isError) errors.push(query.slice(from, to))
    },
  })
  return errors
}
