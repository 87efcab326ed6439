// The chart, rendered and linted by the real Helm and judged by the real API server and the real promtool.
import {beforeAll, describe, expect, inject, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {lintChart, objectOf, releaseNamespace, renderChart, templateChart, valuesFlags} from './chart.ts'
import {variants} from './chart-values.ts'
import {kubectlFor} from './kubectl.ts'
import {promtool} from './prometheus/promtool.ts'

const kubectl = kubectlFor(inject('kubeconfig'))
/** Kinds of the Prometheus operator, which is not among the parts. */
const notServed = ['ServiceMonitor', 'PrometheusRule']

beforeAll(async () => {
  const names = [releaseNamespace, 'chart-shop', 'chart-infra']
  const namespaces = names.map(name => ({apiVersion: 'v1', kind: 'Namespace', metadata: {name}}))
  await kubectl.stdin(namespaces, 'apply', '--server-side', '-f', '-')
})

describe.each(Object.entries(variants))('%s', (_, values) => {
  test('is linted', async () => {
    expect(await lintChart(values)).toContain('0 chart(s) failed')
  })

  test('is taken by the API server', async () => {
    const objects = (await renderChart(values)).filter(object => !notServed.includes(object.kind))
    const flags = ['--server-side', '--force-conflicts', '--dry-run=server', '--field-manager=helm', '-o', 'name']
    const taken = await kubectl.stdin(objects, 'apply', ...flags, '-f', '-')
    expect(taken.trim().split('\n')).toHaveLength(objects.length)
  })
})

test('what is not a value, or lacks, is refused in words', async () => {
  const render = templateChart
  await expect(render(...valuesFlags({replicas: 3}))).rejects.toThrow(/replicas/)
  await expect(render(...valuesFlags({replicaCount: 'many'}))).rejects.toThrow(/replicaCount/)
  await expect(render(...valuesFlags({image: {repository: 'x', digest: 'sha256:1'}}))).rejects.toThrow(/digest/)
  await expect(render()).rejects.toThrow(/prometheus\.address: name the Prometheus|image\.repository: name the image/)
  const elsewhere = valuesFlags({namespace: 'shop', secrets: {namespaces: ['infra']}})
  await expect(render(...elsewhere)).rejects.toThrow(/looks at namespace shop alone/)
  const old = [...valuesFlags({admissionPolicy: {enabled: true}}), '--kube-version', '1.29.0']
  await expect(render(...old)).rejects.toThrow(/needs Kubernetes 1\.30/)
})

test('in one namespace there is no right beyond it', async () => {
  const objects = await renderChart({namespace: 'chart-shop', admissionPolicy: {enabled: false}})
  expect(objects.filter(object => object.kind.startsWith('ClusterRole'))).toEqual([])
  const roles = objects.filter(object => object.kind === 'Role').map(object => object.metadata.namespace)
  expect(new Set(roles)).toEqual(new Set(['chart-shop', releaseNamespace]))
})

test('no Secret can be read unless it was opted in', async () => {
  const rules = (objects: KubeObject[]) =>
    objects
      .filter(object => /^(Cluster)?Role$/.test(object.kind))
      .flatMap(object =>
        (object['rules'] as {resources: string[]; verbs: string[]}[])
          .filter(rule => rule.resources.some(one => one === 'secrets' || one === '*'))
          .map(rule => ({kind: object.kind, namespace: object.metadata.namespace, ...rule})),
      )
  const named = rules(await renderChart()).filter(rule => !rule.resources.includes('*'))
  expect(named).toEqual([])
  const opted = rules(await renderChart(variants['everything on'] ?? {})).filter(rule => !rule.resources.includes('*'))
  expect(opted).toMatchObject([
    {kind: 'Role', namespace: 'chart-infra', verbs: ['get']},
    {kind: 'Role', namespace: 'chart-shop', resourceNames: ['git-credentials'], verbs: ['get']},
    {kind: 'Role', namespace: 'chart-shop', verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete']},
  ])
})

test('the alerts fire when they should, by promtool', async () => {
  const {spec} = objectOf(await renderChart({prometheusRule: {enabled: true}}), 'PrometheusRule')
  expect(promtool(spec, alertTests)).toContain('SUCCESS')
})

const shop = 'namespace="shop",rollout="checkout"'
const up = {series: `up{job="fairlead",namespace="${releaseNamespace}"}`, values: '1x200'}

/** When they fire, and when not. */
const alertTests = {
  evaluation_interval: '1m',
  tests: [
    {
      interval: '1m',
      input_series: [
        up,
        // The leader of the first minutes goes, and nobody follows it.
        {series: `fairlead_leader{job="fairlead",namespace="${releaseNamespace}",pod="x"}`, values: '1x9 0x20'},
        {series: `fairlead_leader{job="fairlead",namespace="${releaseNamespace}",pod="y"}`, values: '0x30'},
        {series: `fairlead_rollout_phase{${shop},phase="Failed",pod="x"}`, values: '0x9 1x20'},
      ],
      promql_expr_test: [
        {
          expr: 'count(ALERTS{alertname="FairleadRolledBack"}) or vector(0)',
          eval_time: '8m',
          exp_samples: [{value: 0}],
        },
        {
          expr: 'count(ALERTS{alertname="FairleadRolledBack",rollout="checkout",alertstate="firing"})',
          eval_time: '12m',
          exp_samples: [{value: 1}],
        },
        {expr: 'count(ALERTS{alertname="FairleadDown"}) or vector(0)', eval_time: '12m', exp_samples: [{value: 0}]},
        {expr: 'count(ALERTS{alertname="FairleadNoLeader"}) or vector(0)', eval_time: '8m', exp_samples: [{value: 0}]},
        {
          expr: 'count(ALERTS{alertname="FairleadNoLeader",alertstate="firing"})',
          eval_time: '13m',
          exp_samples: [{value: 1}],
        },
      ],
    },
    {
      interval: '1m',
      input_series: [
        {series: `fairlead_rollout_phase{${shop},phase="Progressing",pod="x"}`, values: '1x100'},
        {series: `fairlead_rollout_weight{${shop},pod="x"}`, values: '10x100'},
        {
          series: 'fairlead_rollout_phase{namespace="shop",rollout="moves",phase="Progressing",pod="x"}',
          values: '1x100',
        },
        {series: 'fairlead_rollout_weight{namespace="shop",rollout="moves",pod="x"}', values: '1+1x100'},
        {series: 'fairlead_rollout_phase{namespace="shop",rollout="rests",phase="Healthy",pod="x"}', values: '1x100'},
        {series: 'fairlead_reconcile_errors_total{controller="rollout",class="internal"}', values: '0+1x100'},
        {series: 'fairlead_api_requests_total{verb="list",code="403"}', values: '0+1x100'},
      ],
      promql_expr_test: [
        {
          expr: 'count by (rollout) (ALERTS{alertname="FairleadReleaseStalled",alertstate="firing"})',
          eval_time: '75m',
          exp_samples: [{labels: '{rollout="checkout"}', value: 1}],
        },
        {
          expr: 'count(ALERTS{alertname="FairleadPassesFail",alertstate="firing"})',
          eval_time: '30m',
          exp_samples: [{value: 1}],
        },
        {
          expr: 'count(ALERTS{alertname="FairleadLacksPermission",alertstate="firing"})',
          eval_time: '30m',
          exp_samples: [{value: 1}],
        },
        {
          expr: 'count(ALERTS{alertname="FairleadDown",alertstate="firing"})',
          eval_time: '30m',
          exp_samples: [{value: 1}],
        },
      ],
    },
  ],
}
