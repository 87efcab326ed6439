import {expect, test} from 'vitest'
import {configMap, deployment, newStore, refusalOf} from './fixtures.ts'

test('every write has a higher resource version, and one that changes nothing has none', () => {
  const store = newStore()
  const first = store.create(configMap('c', {a: '1'}))
  expect(store.update({...configMap('c', {a: '1'})})).toBe(store.get('configmaps', 'shop', 'c'))
  expect(store.patch('configmaps', 'shop', 'c', 'merge', {data: {a: '1'}}).metadata.resourceVersion).toBe(
    first.metadata.resourceVersion,
  )
  const second = store.patch('configmaps', 'shop', 'c', 'merge', {data: {a: '2'}})
  expect(Number(second.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion))
})

test('a stale write is refused in the words of the real server', () => {
  const store = newStore()
  const first = store.create(deployment('web'))
  store.patch('deployments.apps', 'shop', 'web', 'merge', {spec: {replicas: 2}})
  expect(refusalOf(() => store.update(first))).toMatchObject({
    status: 409,
    reason: 'Conflict',
    message:
      'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again',
  })
})

test('generation counts changes of spec alone; status is written apart', () => {
  const store = newStore()
  store.create(deployment('web', {replicas: 1}))
  const patch = (body: object, subresource?: string) =>
    store.patch('deployments.apps', 'shop', 'web', 'merge', body, subresource === undefined ? {} : {subresource})
  expect(patch({metadata: {labels: {a: 'b'}}, status: {replicas: 9}})).toMatchObject({
    metadata: {generation: 1},
    status: {},
  })
  const written = patch({spec: {replicas: 5}, status: {replicas: 9}}, 'status')
  expect(written).toMatchObject({metadata: {generation: 1}, spec: {replicas: 1}, status: {replicas: 9}})
  expect(patch({spec: {replicas: 5}})).toMatchObject({metadata: {generation: 2}, status: {replicas: 9}})
})

test('a Deployment and a Service get the defaults of the real server', () => {
  const store = newStore()
  const {spec} = store.create(deployment('web'))
  expect(spec).toMatchObject({
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: {type: 'RollingUpdate', rollingUpdate: {maxSurge: '25%', maxUnavailable: '25%'}},
  })
  expect(spec.template.spec).toMatchObject({
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    containers: [{imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log', resources: {}}],
  })
  const metadata = {name: 'web', namespace: 'shop'}
  const service = store.create({apiVersion: 'v1', kind: 'Service', metadata, spec: {ports: [{port: 80}]}})
  expect(service['spec'].clusterIP).toMatch(/^10\.(9[6-9]|10\d|11[01])\.\d+\.\d+$/)
  expect(service['spec'].ports).toEqual([{port: 80, protocol: 'TCP', targetPort: 80}])
  const headless = {metadata: {...metadata, name: 'headless'}, spec: {clusterIP: 'None'}}
  expect(store.create({apiVersion: 'v1', kind: 'Service', ...headless})['spec'].clusterIP).toBe('None')
})

test('a dry run answers and stores nothing; undeclared fields are refused or reported', () => {
  const store = newStore()
  expect(store.create(configMap('dry', {}), {dryRun: true}).metadata.uid).toMatch(/./)
  expect(store.get('configmaps', 'shop', 'dry')).toBeUndefined()
  const wrong = deployment('web', {replicaz: 3})
  expect(refusalOf(() => store.create(wrong, {fieldValidation: 'Strict'})).message).toContain(
    'unknown field "spec.replicaz"',
  )
  const warnings: string[] = []
  store.create(wrong, {warnings})
  expect(warnings).toEqual(['unknown field "spec.replicaz"'])
})

test('names are checked and generated, and the namespace has to be there', () => {
  const store = newStore()
  expect(refusalOf(() => store.create(configMap('Upper', {})))).toMatchObject({status: 422, reason: 'Invalid'})
  const created = store.create(configMap('', {}, {generateName: 'gen-'}))
  expect(created.metadata.name).toMatch(/^gen-[a-z0-9]{5}$/)
  expect(refusalOf(() => store.create(configMap('c', {}, {namespace: 'absent'}))).status).toBe(404)
  expect(
    refusalOf(() => store.create({...created, metadata: {name: created.metadata.name, namespace: 'shop'}})),
  ).toMatchObject({
    status: 409,
    reason: 'AlreadyExists',
  })
})

test('strategic merge patches merge lists by their keys', () => {
  const store = newStore()
  store.create(deployment('web'))
  const patch = (containers: object[]) =>
    store.patch('deployments.apps', 'shop', 'web', 'strategic', {spec: {template: {spec: {containers}}}})['spec']
      .template.spec.containers
  expect(
    patch([
      {name: 'app', env: [{name: 'A', value: '1'}]},
      {name: 'side', image: 'x:2'},
    ]),
  ).toMatchObject([
    {name: 'app', image: 'example.com/app:1', env: [{name: 'A', value: '1'}]},
    {name: 'side', image: 'x:2'},
  ])
  expect(patch([{name: 'side', $patch: 'delete'}])).toHaveLength(1)
  expect(patch([{$patch: 'replace'}, {name: 'only', image: 'y:1'}])).toMatchObject([{name: 'only'}])
})

test('selectors narrow lists', () => {
  const store = newStore()
  store.create(configMap('a', {}, {labels: {app: 'x', tier: 'front'}}))
  store.create(configMap('b', {}, {labels: {app: 'y'}}))
  const names = (labelSelector: string, fieldSelector = '') =>
    store.list('configmaps', {labelSelector, fieldSelector}).items.map(item => item.metadata.name)
  expect(names('app in (x, y),!tier')).toEqual(['b'])
  expect(names('app!=x')).toEqual(['b'])
  expect(names('app notin (y)')).toEqual(['a'])
  expect(names('tier')).toEqual(['a'])
  expect(names('', 'metadata.name=b')).toEqual(['b'])
  expect(names('', 'metadata.name!=b')).toEqual(['a'])
  expect(refusalOf(() => names('', 'spec.foo=b')).status).toBe(400)
  expect(refusalOf(() => names('a in (')).status).toBe(400)
})

test('watchers are told in order, also of what a watcher writes', () => {
  const store = newStore()
  const seen: string[] = []
  store.watch('configmaps', ({type, object}) => {
    seen.push(`first ${type} ${object.metadata.name}`)
    if (type === 'ADDED' && object.metadata.name === 'a') store.create(configMap('b', {}))
  })
  const stop = store.watch('configmaps', ({type, object}) => seen.push(`second ${type} ${object.metadata.name}`))
  store.create(configMap('a', {}))
  stop()
  store.delete('configmaps', 'shop', 'a')
  expect(seen).toEqual(['first ADDED a', 'second ADDED a', 'first ADDED b', 'second ADDED b', 'first DELETED a'])
})

test('a change of labels moves an object in and out of a watch', () => {
  const store = newStore()
  const seen: string[] = []
  const listener = ({type, object}: {type: string; object: {metadata: {labels?: object}}}) =>
    void seen.push(`${type} ${JSON.stringify(object.metadata.labels ?? {})}`)
  store.watch('configmaps', listener, {labelSelector: 'in=yes', initial: true})
  store.create(configMap('a', {}, {labels: {in: 'no'}}))
  const label = (value: string) => store.patch('configmaps', 'shop', 'a', 'merge', {metadata: {labels: {in: value}}})
  label('yes')
  label('no')
  expect(seen).toEqual(['ADDED {"in":"yes"}', 'DELETED {"in":"yes"}'])
})

test('what a watcher writes while it is told of the initial state reaches it afterwards', () => {
  const store = newStore()
  store.create(configMap('a', {}))
  store.create(configMap('c', {}))
  const seen: string[] = []
  store.watch(
    'configmaps',
    ({type, object}) => {
      seen.push(`${type} ${object.metadata.name}`)
      if (type === 'ADDED' && object.metadata.name === 'a') store.create(configMap('b', {}))
      if (type === 'ADDED' && object.metadata.name === 'b') store.delete('configmaps', 'shop', 'a')
    },
    {initial: true},
  )
  expect(seen).toEqual(['ADDED a', 'ADDED c', 'ADDED b', 'DELETED a'])
})

test('a watcher that fails on the initial state is told of nothing more', () => {
  const store = newStore()
  store.create(configMap('a', {}))
  const calls: string[] = []
  const listener = ({object}: {object: {metadata: {name: string}}}) => {
    calls.push(object.metadata.name)
    throw new Error('no')
  }
  expect(() => store.watch('configmaps', listener, {initial: true})).toThrow('no')
  store.create(configMap('b', {}))
  expect(calls).toEqual(['a'])
})

test('the events since a resource version, until they are forgotten', () => {
  const store = newStore()
  const {resourceVersion} = store.list('configmaps')
  store.create(configMap('a', {}))
  store.delete('configmaps', 'shop', 'a')
  const types = store.storage.eventsSince('configmaps', Number(resourceVersion)).map(event => event.type)
  expect(types).toEqual(['ADDED', 'DELETED'])
  store.compact()
  expect(refusalOf(() => store.storage.eventsSince('configmaps', Number(resourceVersion)))).toMatchObject({
    status: 410,
    reason: 'Expired',
  })
  expect(store.storage.eventsSince('configmaps', Number(store.list('configmaps').resourceVersion))).toEqual([])
})

test('a patch changes an object, and never which one it is', () => {
  const store = newStore()
  store.create(configMap('a', {}))
  store.create(configMap('b', {}))
  const merge = (patch: unknown) => refusalOf(() => store.patch('configmaps', 'shop', 'a', 'merge', patch))
  const json = (patch: object[]) => refusalOf(() => store.patch('configmaps', 'shop', 'a', 'json', patch))
  expect(merge({metadata: {name: 'b'}})).toMatchObject({status: 400, message: expect.stringContaining('metadata.name')})
  expect(merge({metadata: {namespace: 'default'}}).message).toContain('metadata.namespace')
  expect(merge({metadata: null})).toMatchObject({status: 400})
  expect(merge('text')).toMatchObject({status: 400})
  expect(json([{op: 'replace', path: '', value: null}])).toMatchObject({status: 400})
  expect(json([{op: 'remove', path: '/metadata'}])).toMatchObject({status: 400})
  expect(json([{op: 'test', path: '/metadata/name', value: 'b'}])).toMatchObject({status: 422, reason: 'Invalid'})
})
