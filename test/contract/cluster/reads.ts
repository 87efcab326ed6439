// Lists: selectors, pages, shapes; and what the server says of itself.
import {describe, expect, test} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import {type Bench, pathOf, refusal, type StartTarget, useBench} from './bench.ts'
import {configMap, deployment, rollout, service, unscheduledPod} from './objects.ts'

export function describeReads(startTarget: StartTarget): void {
  describe('selectors', () => {
    defineSelectors(useBench(startTarget, 'selectors'))
  })
  describe('pages', () => {
    definePages(useBench(startTarget, 'pages'))
  })
  describe('versions and shapes', () => {
    defineVersionsAndShapes(useBench(startTarget, 'versions'))
  })
  describe('tables', () => {
    defineTables(useBench(startTarget, 'tables'))
  })
  describe('discovery', () => {
    defineDiscovery(useBench(startTarget, 'discovery'))
  })
}

const namesOf = (list: KubeObject) => list['items'].map((item: KubeObject) => item.metadata.name).sort()
const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const metadataListType = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'

function defineSelectors(bench: () => Bench): void {
  test('labels select by equality, set and presence', async () => {
    const {client, namespace} = bench()
    await client.create(configMap(namespace, 'one', {app: 'a', tier: 'x', contract: 'yes'}))
    await client.create(configMap(namespace, 'two', {app: 'b', contract: 'yes'}))
    await client.create(configMap(namespace, 'three', {contract: 'yes'}))
    const names = async (labelSelector: string) => {
      const items = await client.list({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace,
        labelSelector: `contract,${labelSelector}`,
      })
      return items.map(item => item.metadata.name).sort()
    }
    expect(await names('app=a')).toEqual(['one'])
    expect(await names('app==a')).toEqual(['one'])
    expect(await names('app!=a')).toEqual(['three', 'two'])
    expect(await names('app in (a,b)')).toEqual(['one', 'two'])
    expect(await names('app notin (a)')).toEqual(['three', 'two'])
    expect(await names('app,!tier')).toEqual(['two'])
    expect(await names('!app')).toEqual(['three'])
  })

  test('fields select where their kind supports them', async () => {
    const {client, namespace, send} = bench()
    await client.create(unscheduledPod(namespace, 'pod'))
    const list = async (resource: string, fieldSelector: string) => {
      const search = new URLSearchParams({fieldSelector})
      return namesOf(await send({method: 'GET', path: `${pathOf(namespace, resource)}?${search}`}))
    }
    expect(await list('pods', 'metadata.name=pod,status.phase=Pending')).toEqual(['pod'])
    expect(await list('pods', 'spec.nodeName=,status.phase!=Running')).toEqual(['pod'])
    expect(await list('pods', 'metadata.name!=pod')).toEqual([])
    const unsupported = await refusal(list('configmaps', 'data.key=value'))
    expect(unsupported).toMatchObject({status: 400, reason: 'BadRequest'})
    expect(unsupported.message).toMatch(/^"data\.key" is not a known field selector/)
  })

  test('a selector that is none is refused', async () => {
    const {namespace, send} = bench()
    for (const query of ['labelSelector=a%20b', 'labelSelector=app%20in%20a', 'fieldSelector=a']) {
      const refused = await refusal(send({method: 'GET', path: `${pathOf(namespace, 'configmaps')}?${query}`}))
      expect({query, status: refused.status, reason: refused.reason}).toEqual({
        query,
        status: 400,
        reason: 'BadRequest',
      })
    }
  })
}

function definePages(bench: () => Bench): void {
  test('a list comes in pages of one version', async () => {
    const {client, namespace, send} = bench()
    for (const name of ['a', 'b', 'c', 'd', 'e']) await client.create(service(namespace, name))
    const page = (query: string) => send({method: 'GET', path: `${pathOf(namespace, 'services')}?limit=2${query}`})
    const first = await page('')
    expect(namesOf(first)).toEqual(['a', 'b'])
    expect(first.metadata).toMatchObject({continue: expect.any(String), remainingItemCount: 3})
    await client.create(service(namespace, 'aa'))
    const token = (of: KubeObject) =>
      `&continue=${encodeURIComponent((of.metadata as {continue?: string}).continue ?? '')}`
    const second = await page(token(first))
    expect(namesOf(second)).toEqual(['c', 'd'])
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    const last = await page(token(second))
    expect(namesOf(last)).toEqual(['e'])
    expect(last.metadata).not.toHaveProperty('continue')
    expect(last.metadata).not.toHaveProperty('remainingItemCount')
  })

  test('a later page shows the state of the first', async () => {
    const {client, namespace, send} = bench()
    for (const name of ['p1', 'p2', 'p3']) await client.create(configMap(namespace, name, {page: 'yes'}))
    const page = (query: string) =>
      send({method: 'GET', path: `${pathOf(namespace, 'configmaps')}?labelSelector=page&limit=2${query}`})
    const first = await page('')
    expect(first.metadata).not.toHaveProperty('remainingItemCount')
    await client.delete({apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'p3'}, {})
    await client.create(configMap(namespace, 'p4', {page: 'yes'}))
    const {continue: token = ''} = first.metadata as {continue?: string}
    expect(namesOf(await page(`&continue=${encodeURIComponent(token)}`))).toEqual(['p3'])
  })

  test('a continue token that is none is refused', async () => {
    const {namespace, send} = bench()
    const path = `${pathOf(namespace, 'configmaps')}?limit=2&continue=nonsense`
    expect(await refusal(send({method: 'GET', path}))).toMatchObject({status: 400, reason: 'BadRequest'})
  })
}

function defineVersionsAndShapes(bench: () => Bench): void {
  test('versions of a list: any, not older than, exactly; combinations that mean nothing are refused', async () => {
    const {client, namespace, send} = bench()
    const created = await client.create(configMap(namespace, 'versioned', {version: 'yes'}))
    const {resourceVersion = ''} = created.metadata
    await client.mergePatch(
      {apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'versioned'},
      {data: {key: 'new'}},
      {fieldManager: 'contract'},
    )
    const list = (query: string) =>
      send({method: 'GET', path: `${pathOf(namespace, 'configmaps')}?labelSelector=version&${query}`})
    expect(namesOf(await list(`resourceVersion=${resourceVersion}&resourceVersionMatch=NotOlderThan`))).toEqual([
      'versioned',
    ])
    const exact = await list(`resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`)
    expect(exact['items'][0].data).toEqual({key: 'value'})
    expect(exact.metadata.resourceVersion).toBe(resourceVersion)
    const refused = {status: 422, reason: 'Invalid'}
    expect(await refusal(list('resourceVersionMatch=Exact'))).toMatchObject(refused)
    expect(await refusal(list('resourceVersion=0&resourceVersionMatch=Exact'))).toMatchObject(refused)
    expect(await refusal(list('resourceVersion=1&resourceVersionMatch=Nonsense'))).toMatchObject(refused)
  })

  test('metadata alone, and lists of built-in kinds whose items bear no kind', async () => {
    const {client, namespace, send} = bench()
    await client.create({...configMap(namespace, 'meta', {meta: 'yes'})})
    const path = `${pathOf(namespace, 'configmaps')}?labelSelector=meta`
    const partial = await send({method: 'GET', path, accept: metadataListType})
    expect(partial).toMatchObject({kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1'})
    expect(Object.keys(partial['items'][0]).sort()).toEqual(['apiVersion', 'kind', 'metadata'])
    expect(partial['items'][0]).toMatchObject({kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1'})
    const whole = await send({method: 'GET', path})
    expect(whole).toMatchObject({kind: 'ConfigMapList', apiVersion: 'v1'})
    expect(Object.keys(whole['items'][0]).sort()).toEqual(['data', 'metadata'])
    const one = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'
    const single = await send({method: 'GET', path: pathOf(namespace, 'configmaps', 'meta'), accept: one})
    expect(single).toMatchObject({kind: 'PartialObjectMetadata', metadata: {name: 'meta'}})
    expect(single).not.toHaveProperty('data')
  })
}

function defineTables(bench: () => Bench): void {
  const columns: Record<string, string[]> = {
    pods: ['Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates'],
    services: ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector'],
    configmaps: ['Name', 'Data', 'Age'],
    secrets: ['Name', 'Type', 'Data', 'Age'],
    'apps/v1/deployments': [...['Name', 'Ready', 'Up-to-date', 'Available', 'Age', 'Containers', 'Images', 'Selector']],
    'apps/v1/replicasets': ['Name', 'Desired', 'Current', 'Ready', 'Age', 'Containers', 'Images', 'Selector'],
    'autoscaling/v2/horizontalpodautoscalers': [
      ...['Name', 'Reference', 'Targets', 'MinPods', 'MaxPods', 'Replicas', 'Age'],
    ],
    'policy/v1/poddisruptionbudgets': ['Name', 'Min Available', 'Max Unavailable', 'Allowed Disruptions', 'Age'],
    'fairlead.dev/v1alpha1/rollouts': [
      ...['Name', 'Phase', 'Weight', 'Step', 'Primary', 'Canary', 'Message', 'Age', 'Revision', 'Commit'],
    ],
  }

  test.each(Object.entries(columns))('columns of %s', async (resource, names) => {
    const {namespace, send} = bench()
    const path = `${pathOf(namespace, resource)}?labelSelector=none%3Dhere`
    const table = await send({method: 'GET', path, accept: tableType})
    expect(table).toMatchObject({kind: 'Table', apiVersion: 'meta.k8s.io/v1', rows: []})
    expect(table['columnDefinitions'].map((column: {name: string}) => column.name)).toEqual(names)
  })

  test('cells of a Service, a ConfigMap, a Pod and a Rollout', async () => {
    const {client, namespace, send} = bench()
    for (const object of [
      {...service(namespace, 'cells'), spec: {...service(namespace, 'cells')['spec'], clusterIP: 'None'}} as KubeObject,
      configMap(namespace, 'cells'),
      unscheduledPod(namespace, 'cells'),
      rollout(namespace, 'cells'),
      deployment(namespace, 'cells', 0),
    ]) {
      await client.create(object)
    }
    const row = async (resource: string) => {
      const table = await send({method: 'GET', path: pathOf(namespace, resource, 'cells'), accept: tableType})
      expect(table['rows'][0].object).toMatchObject({kind: 'PartialObjectMetadata', metadata: {name: 'cells'}})
      return table['rows'][0].cells
    }
    const age = expect.stringMatching(/^\d+s$/)
    expect(await row('services')).toEqual(['cells', 'ClusterIP', 'None', '<none>', '80/TCP', age, 'app=cells'])
    expect(await row('configmaps')).toEqual(['cells', 1, age])
    const none = '<none>'
    expect(await row('pods')).toEqual(['cells', '0/1', 'Pending', '0', age, none, none, none, none])
    expect((await row('fairlead.dev/v1alpha1/rollouts'))[0]).toBe('cells')
    const [name, ready, , , , ...rest] = await row('apps/v1/deployments')
    expect([name, ready, ...rest]).toEqual(['cells', '0/0', 'app', 'example.com/app:1', 'app=cells'])
  })
}

function defineDiscovery(bench: () => Bench): void {
  const kinds = [
    ['', 'v1', 'ConfigMap', 'cm'],
    ['', 'v1', 'Pod', 'po'],
    ['', 'v1', 'Service', 'svc'],
    ['apps', 'v1', 'Deployment', 'deploy'],
    ['fairlead.dev', 'v1alpha1', 'Rollout', 'frl'],
  ] as const

  test('groups, versions and kinds, in one document', async () => {
    const {send} = bench()
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    for (const [group, version, kind, shortName] of kinds) {
      const list = await send({method: 'GET', path: group === '' ? '/api' : '/apis', accept})
      expect(list).toMatchObject({kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2'})
      const found = list['items'].find((item: KubeObject) => (item.metadata.name ?? '') === group)
      const served = found.versions.find((item: {version: string}) => item.version === version)
      const resource = served.resources.find((item: {responseKind: {kind: string}}) => item.responseKind.kind === kind)
      expect(resource).toMatchObject({
        scope: 'Namespaced',
        singularResource: kind.toLowerCase(),
        shortNames: expect.arrayContaining([shortName]),
        verbs: expect.arrayContaining(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']),
      })
    }
  })

  test('groups, versions and kinds, in a document each', async () => {
    const {send} = bench()
    expect(await send({method: 'GET', path: '/api'})).toMatchObject({kind: 'APIVersions', versions: ['v1']})
    const groups = await send({method: 'GET', path: '/apis'})
    expect(groups).toMatchObject({kind: 'APIGroupList', apiVersion: 'v1'})
    const apps = groups['groups'].find((item: {name: string}) => item.name === 'apps')
    expect(apps.preferredVersion).toEqual({groupVersion: 'apps/v1', version: 'v1'})
    for (const [group, version, kind, shortName] of kinds) {
      const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
      const list = await send({method: 'GET', path})
      expect(list).toMatchObject({
        kind: 'APIResourceList',
        groupVersion: group === '' ? version : `${group}/${version}`,
      })
      const resource = list['resources'].find(
        (item: {kind: string; name: string}) => item.kind === kind && !item.name.includes('/'),
      )
      expect(resource).toMatchObject({namespaced: true, shortNames: expect.arrayContaining([shortName])})
    }
  })

  test('schemas by group and version, with the kind and the description that kubectl looks for', async () => {
    const {send} = bench()
    const index = await send({method: 'GET', path: '/openapi/v3'})
    for (const [group, version, kind] of kinds) {
      const key = group === '' ? `api/${version}` : `apis/${group}/${version}`
      const document = await send({method: 'GET', path: index['paths'][key].serverRelativeURL})
      const schemas: Record<string, unknown>[] = Object.values(document['components'].schemas)
      const wanted: object = expect.objectContaining({
        'x-kubernetes-group-version-kind': expect.arrayContaining([{group, kind, version}]),
        properties: expect.objectContaining({metadata: expect.anything()}),
      })
      expect(schemas).toEqual(expect.arrayContaining([wanted]))
    }
  })
}
