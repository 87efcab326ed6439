// What the server adds to objects, what it refuses of them, and subresources.
import {describe, expect, test} from 'vitest'
import {type Bench, follow, pathOf, refOf, refusal, type StartTarget, until, useBench} from './bench.ts'
import {deployment, rollout, service, unscheduledPod, widgetDefinition} from './objects.ts'
import {useWidgets} from './widgets.ts'

export function describeKinds(startTarget: StartTarget): void {
  describe('defaults', () => {
    defineDefaults(useBench(startTarget, 'defaults'))
  })
  describe('defaults of Services and Pods', () => {
    defineServiceDefaults(useBench(startTarget, 'more-defaults'))
  })
  describe('custom resources', () => {
    defineCustomResources(useBench(startTarget, 'custom'))
  })
  describe('status of custom resources', () => {
    defineCustomStatus(useBench(startTarget, 'status'))
  })
  describe('validation of custom resources', () => {
    defineValidation(useBench(startTarget, 'validation'))
  })
  describe('kinds that come later', () => {
    defineLaterKinds(useBench(startTarget, 'later'))
  })
  describe('status and scale', () => {
    defineSubresources(useBench(startTarget, 'sub'))
  })
}

const podDefaults = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
}
const containerDefaults = {
  name: 'app',
  image: 'example.com/app:1',
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
}

function defineDefaults(bench: () => Bench): void {
  test('of a Deployment and its template', async () => {
    const {client, namespace} = bench()
    const {spec} = await client.create(deployment(namespace, 'plain'))
    const labels = {app: 'plain'}
    const containers = [containerDefaults]
    const {metadata, ...template} = spec.template
    expect(metadata.labels).toEqual(labels)
    expect({...spec, template}).toEqual({
      replicas: 1,
      selector: {matchLabels: labels},
      template: {spec: {...podDefaults, schedulerName: 'default-scheduler', containers}},
      strategy: {type: 'RollingUpdate', rollingUpdate: {maxUnavailable: '25%', maxSurge: '25%'}},
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    })
  })

  test('of probes, ports, volumes and environment', async () => {
    const {client, namespace} = bench()
    const object = deployment(namespace, 'rich', 0)
    const [container] = object['spec'].template.spec.containers
    Object.assign(container, {
      image: 'example.com/app',
      ports: [{containerPort: 8080}],
      readinessProbe: {httpGet: {port: 8080}},
      livenessProbe: {grpc: {port: 8081}},
      env: [{name: 'POD', valueFrom: {fieldRef: {fieldPath: 'metadata.name'}}}],
      resources: {limits: {cpu: '1'}},
    })
    object['spec'].template.spec.volumes = [
      {name: 'config', configMap: {name: 'c'}},
      {name: 'secret', secret: {secretName: 's'}},
      {name: 'empty', emptyDir: {}},
      {name: 'projected', projected: {sources: [{serviceAccountToken: {path: 'token'}}]}},
    ]
    const spec = (await client.create(object))['spec'].template.spec
    const probe = {timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3}
    expect(spec.containers[0]).toEqual({
      ...containerDefaults,
      image: 'example.com/app',
      imagePullPolicy: 'Always',
      ports: [{containerPort: 8080, protocol: 'TCP'}],
      readinessProbe: {httpGet: {path: '/', port: 8080, scheme: 'HTTP'}, ...probe},
      livenessProbe: {grpc: {port: 8081, service: ''}, ...probe},
      env: [{name: 'POD', valueFrom: {fieldRef: {apiVersion: 'v1', fieldPath: 'metadata.name'}}}],
      resources: {limits: {cpu: '1'}},
    })
    expect(spec.volumes).toEqual([
      {name: 'config', configMap: {name: 'c', defaultMode: 420}},
      {name: 'secret', secret: {secretName: 's', defaultMode: 420}},
      {name: 'empty', emptyDir: {}},
      {
        name: 'projected',
        projected: {sources: [{serviceAccountToken: {path: 'token', expirationSeconds: 3600}}], defaultMode: 420},
      },
    ])
  })
}

function defineServiceDefaults(bench: () => Bench): void {
  test('of a Service and a Pod', async () => {
    const {client, namespace} = bench()
    const {spec} = await client.create(service(namespace, 'plain'))
    const {clusterIP, clusterIPs, ...rest} = spec
    expect(clusterIPs).toEqual([clusterIP])
    expect(rest).toEqual({
      ports: [{name: 'http', protocol: 'TCP', port: 80, targetPort: 80}],
      selector: {app: 'plain'},
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    })
    const pod = await client.create(unscheduledPod(namespace, 'plain'))
    expect(pod['spec']).toMatchObject({...podDefaults, schedulerName: 'nobody', enableServiceLinks: true})
    expect(pod['status']).toEqual({phase: 'Pending', qosClass: 'BestEffort'})
  })
}

function defineCustomResources(bench: () => Bench): void {
  const widgets = useWidgets(bench)

  test('defaults are set, also within objects that are set by default', async () => {
    const created = await bench().client.create(widgets().widget('defaults', {size: 1, ports: [{name: 'a'}]}))
    expect(created['spec']).toEqual({
      size: 1,
      colour: 'green',
      nested: {depth: 3},
      ports: [{name: 'a', protocol: 'TCP'}],
    })
    expect(created.metadata.generation).toBe(1)
  })

  test('unknown fields: refused, reported or dropped, as asked; kept where the schema says so', async () => {
    const {namespace, send} = bench()
    const {group, widget} = widgets()
    const body = widget('unknown', {size: 1, wieght: 1, nested: {other: 2}, options: {any: {thing: 1}}})
    const path = pathOf(namespace, `${group}/v1/widgets`)
    const strict = await refusal(send({method: 'POST', path: `${path}?fieldValidation=Strict`, body}))
    expect(strict).toMatchObject({status: 400, reason: 'BadRequest'})
    expect(strict.message).toMatch(
      /strict decoding error: unknown field "spec\.nested\.other", unknown field "spec\.wieght"/,
    )
    const kept = await send({method: 'POST', path: `${path}?fieldValidation=Ignore`, body})
    expect(kept['spec']).toEqual({size: 1, colour: 'green', nested: {depth: 3}, options: {any: {thing: 1}}})
  })

  test('the generation counts changes of spec alone', async () => {
    const {client} = bench()
    const object = widgets().widget('generation', {size: 1})
    await client.create(object)
    const options = {fieldManager: 'contract'}
    const generation = async (patch: object) =>
      (await client.mergePatch(refOf(object), patch, options)).metadata.generation
    expect(await generation({metadata: {labels: {a: 'b'}}})).toBe(1)
    expect(await generation({spec: {size: 2}})).toBe(2)
    expect(await generation({spec: {size: 2}})).toBe(2)
    expect(await generation({status: {phase: 'Other'}})).toBe(2)
  })
}

function defineCustomStatus(bench: () => Bench): void {
  const widgets = useWidgets(bench)

  test('status is written through its subresource alone', async () => {
    const {client} = bench()
    const {widget} = widgets()
    const created = await client.create({...widget('status', {size: 1}), status: {phase: 'Early'}})
    expect(created).not.toHaveProperty('status')
    const changed = {...created, spec: {size: 9}, status: {phase: 'Healthy'}}
    const written = await client.updateStatus(changed)
    expect(written).toMatchObject({spec: {size: 1}, status: {phase: 'Healthy'}, metadata: {generation: 1}})
    const labelled = {...written, metadata: {...written.metadata, labels: {a: 'b'}}, status: {phase: 'Other'}}
    expect((await client.updateStatus(labelled)).metadata).not.toHaveProperty('labels')
    expect(await refusal(client.updateStatus(changed))).toMatchObject({status: 409, reason: 'Conflict'})
    const unknown = client.updateStatus({...written, status: {phase: 'Healthy', weight: 5}})
    expect(await refusal(unknown)).toMatchObject({message: expect.stringContaining('weight')})
    const patch = {status: {phase: 'Patched'}, spec: {size: 2}}
    const patched = await client.mergePatch(refOf(created), patch, {fieldManager: 'contract'})
    expect(patched).toMatchObject({spec: {size: 2}, status: {phase: 'Other'}})
  })

  test('a replacement needs the version', async () => {
    const {client, namespace, send} = bench()
    const {group, widget} = widgets()
    await client.create(widget('versionless', {size: 1}))
    const path = pathOf(namespace, `${group}/v1/widgets`, 'versionless')
    expect(await refusal(send({method: 'PUT', path, body: widget('versionless', {size: 2})}))).toMatchObject({
      status: 422,
      reason: 'Invalid',
      message: expect.stringContaining('metadata.resourceVersion'),
    })
  })
}

function defineValidation(bench: () => Bench): void {
  const widgets = useWidgets(bench)
  const refused: [string, object, string[]][] = [
    ['a value that is too small', {size: 0}, ['spec.size']],
    ['one that is too large', {size: 11}, ['spec.size']],
    ['a missing one', {}, ['spec.size']],
    ['another type', {size: 'x'}, ['spec.size']],
    ['a fraction', {size: 1.5}, ['spec.size']],
    ['a value that is not listed', {size: 1, colour: 'blue'}, ['spec.colour']],
    ['another pattern', {size: 1, code: 'A'}, ['spec.code']],
    ['too long a text', {size: 1, code: 'abcdef'}, ['spec.code']],
    ['an item without its key', {size: 1, ports: [{port: 1}]}, ['spec.ports[0].name']],
    ['a rule across fields', {size: 1, low: 2, high: 1}, ['spec']],
    ['several at once', {size: 0, colour: 'blue'}, ['spec.colour', 'spec.size']],
  ]

  test.each(refused)('refuses %s', async (_, spec, fields) => {
    const error = await refusal(bench().client.create(widgets().widget('refused', spec)))
    expect(error).toMatchObject({status: 422, reason: 'Invalid'})
    const {causes} = error as unknown as {causes: string[]}
    // Rules are not evaluated where the schema is broken, which is told as a cause without a field of its own.
    const named = causes.filter(cause => !cause.startsWith('<nil>')).map(cause => cause.split(':')[0])
    expect(named).toHaveLength(fields.length)
    expect(named).toEqual(expect.arrayContaining(fields))
    expect(error.message).toMatch(/^Widget\.\S+ "refused" is invalid: /)
  })

  test('refuses what a rule says must never change, and takes the rest', async () => {
    const {client} = bench()
    const object = widgets().widget('transition', {size: 1, fixed: 'a'})
    await client.create(object)
    const options = {fieldManager: 'contract'}
    const changed = await refusal(client.mergePatch(refOf(object), {spec: {fixed: 'b'}}, options))
    expect(changed).toMatchObject({status: 422, causes: [expect.stringMatching(/^spec\.fixed: .*fixed never changes/)]})
    expect((await client.mergePatch(refOf(object), {spec: {size: 2}}, options))['spec'].size).toBe(2)
  })

  test('refuses a Rollout that contradicts itself', async () => {
    const {client, namespace} = bench()
    const none = await refusal(client.create(rollout(namespace, 'refused', {strategy: {}})))
    expect(none).toMatchObject({status: 422, reason: 'Invalid', message: expect.stringMatching(/exactly one strategy/)})
    const unknown = await refusal(client.create(rollout(namespace, 'refused', {colour: 'red'})))
    expect(unknown).toMatchObject({status: 400, message: expect.stringMatching(/unknown field "spec\.colour"/)})
  })
}

function defineLaterKinds(bench: () => Bench): void {
  test('a reflector finds a kind that is installed later', async () => {
    const {client, namespace} = bench()
    const group = `late.${namespace}.example.com`
    const reflector = follow(client, {apiVersion: `${group}/v1`, kind: 'Widget', namespace})
    expect(await reflector.synced).toBe('missing')
    const definition = widgetDefinition(group)
    const created = await client.create(definition)
    expect(created['spec'].names).toMatchObject({singular: 'widget', listKind: 'WidgetList'})
    await until(() => reflector.state === 'synced', 'synced reflector')
    const widget = {apiVersion: `${group}/v1`, kind: 'Widget', metadata: {namespace, name: 'w'}, spec: {size: 2}}
    await until(() => client.create(widget).catch(() => undefined), 'storage of the kind')
    await until(() => reflector.store.get(namespace, 'w'), 'Widget in the store')
    await reflector.stop()
    await client.delete({apiVersion: definition.apiVersion, kind: definition.kind, name: definition.metadata.name}, {})
    await until(async () => (await client.get(refOf(widget)).catch(() => 'there')) === undefined, 'end of the kind')
  })
}

function defineSubresources(bench: () => Bench): void {
  test('scale sets replicas alone and moves the generation', async () => {
    const {client, namespace} = bench()
    const created = await client.create(deployment(namespace, 'scaled', 1))
    await client.scale(refOf(created), 0, {fieldManager: 'contract'})
    const scaled = await client.get(refOf(created))
    expect(scaled?.['spec']).toEqual({...created['spec'], replicas: 0})
    expect(scaled?.metadata.generation).toBe((created.metadata.generation ?? 0) + 1)
    const absent = {...refOf(created), name: 'absent'}
    await expect(client.scale(absent, 1, {fieldManager: 'contract'})).rejects.toMatchObject({status: 404})
    const negative = await refusal(client.scale(refOf(created), -1, {fieldManager: 'contract'}))
    expect(negative).toMatchObject({status: 422, reason: 'Invalid', causes: [expect.stringMatching(/^spec\.replicas/)]})
  })

  test('scale of a Deployment and of a Rollout shows replicas and selector', async () => {
    const {client, namespace, send} = bench()
    const object = await client.create(deployment(namespace, 'shown', 0))
    const shown = await send({method: 'GET', path: `${pathOf(namespace, 'apps/v1/deployments', 'shown')}/scale`})
    const {uid} = object.metadata
    expect(shown).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: {name: 'shown', namespace, uid},
    })
    expect(shown).toMatchObject({spec: {}, status: {replicas: 0, selector: 'app=shown'}})
    const created = await client.create(rollout(namespace, 'shown'))
    const path = `${pathOf(namespace, 'fairlead.dev/v1alpha1/rollouts', 'shown')}/scale`
    const scaled = await client.scale(refOf(created), 4, {fieldManager: 'contract'})
    expect(scaled).toMatchObject({kind: 'Scale', spec: {replicas: 4}})
    const before = await send({method: 'GET', path})
    expect(before['status']).toEqual({replicas: 0})
    const current = (await client.get(refOf(created))) ?? created
    await client.updateStatus({...current, status: {replicas: 3, selector: 'app=shown'}})
    const after = await send({method: 'GET', path})
    expect(after).toMatchObject({spec: {replicas: 4}, status: {replicas: 3, selector: 'app=shown'}})
  })

  test('the status of a Pod is written apart from its spec', async () => {
    const {client, namespace} = bench()
    const created = await client.create(unscheduledPod(namespace, 'pod'))
    const status = {phase: 'Running', qosClass: 'BestEffort'}
    const changed = {...created, spec: {...created['spec'], nodeName: 'nowhere'}, status}
    const written = await client.updateStatus(changed)
    expect(written).toMatchObject({status, metadata: {generation: created.metadata.generation}})
    expect(written['spec']).not.toHaveProperty('nodeName')
    await expect(client.updateStatus(changed)).rejects.toMatchObject({status: 409, reason: 'Conflict'})
  })
}
