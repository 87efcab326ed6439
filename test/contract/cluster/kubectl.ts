// What a person types. The same on the emulator and on kube-apiserver.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {until} from './bench.ts'
import {type KubectlSession, openKubectlSession} from './kubectl-binaries.ts'
import {deployment, rollout} from './objects.ts'

/** Defines the tests for one kubectl; `kubeconfig` is asked for when they run. */
export function describeKubectlContract(binary: string, kubeconfig: () => string): void {
  describe(`${binary.split('/').at(-1)}, contract`, () => {
    let opened: KubectlSession | undefined
    const session = () => {
      if (opened === undefined) throw new Error('kubectl was not set up')
      return opened
    }
    beforeAll(async () => {
      opened = openKubectlSession(binary, kubeconfig(), `kubectl-${Date.now().toString(36)}`)
      await opened.kubectl('create', 'namespace', opened.namespace)
    })
    afterAll(async () => {
      await opened?.kubectl('delete', 'namespace', opened.namespace, '--wait=false')
      opened?.close()
    })
    defineApply(session)
    defineEdits(session)
    defineWorkloads(session)
    defineOutput(session)
    defineDiscovery(session)
    defineWaiting(session)
    defineCascades(session)
  })
}

type Session = () => KubectlSession

function defineApply(session: Session): void {
  test('apply on the client side: created, unchanged, configured, fields left out are removed', async () => {
    const {kubectl, file, namespace} = session()
    const object = deployment(namespace, 'client', 0)
    object.metadata.labels = {a: '1', b: '1'}
    const path = file('client.json', object)
    expect(await kubectl('apply', '-f', path)).toBe('deployment.apps/client created\n')
    expect(await kubectl('apply', '-f', path)).toBe('deployment.apps/client unchanged\n')
    object.metadata.labels = {a: '2'}
    file('client.json', object)
    expect(await kubectl('apply', '-f', path)).toBe('deployment.apps/client configured\n')
    expect(await kubectl('get', 'deployment', 'client', '-o', 'jsonpath={.metadata.labels}')).toBe('{"a":"2"}')
  })

  test('apply on the server side: conflicts are told, and forced', async () => {
    const {kubectl, run, file, namespace} = session()
    const path = file('server.json', deployment(namespace, 'server', 0))
    expect(await kubectl('apply', '--server-side', '-f', path)).toBe('deployment.apps/server serverside-applied\n')
    file('server.json', deployment(namespace, 'server', 1))
    const refused = await run(['apply', '--server-side', '--field-manager=other', '-f', path])
    expect(refused.code).not.toBe(0)
    expect(refused.problem).toContain('conflict with "kubectl": .spec.replicas')
    await kubectl('apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', path)
    expect(await kubectl('get', 'deployment', 'server', '-o', 'jsonpath={.spec.replicas}')).toBe('1')
    await kubectl('delete', 'deployment', 'server')
  })

  test('diff tells what apply would change, on both sides, and changes nothing', async () => {
    const {kubectl, run, file, namespace} = session()
    const path = file('diff.json', deployment(namespace, 'diff', 0))
    const fresh = await run(['diff', '-f', path])
    expect(fresh.code).toBe(1)
    expect(fresh.output).toMatch(/^\+ {2}name: diff$/m)
    await kubectl('apply', '-f', path)
    expect((await run(['diff', '-f', path])).code).toBe(0)
    const changed = deployment(namespace, 'diff', 0)
    changed['spec'].template.spec.containers[0].image = 'example.com/app:2'
    file('diff.json', changed)
    for (const side of [[], ['--server-side', '--force-conflicts']]) {
      const {code, output} = await run(['diff', ...side, '-f', path])
      expect(code).toBe(1)
      expect(output).toMatch(/^- +(- )?image: example\.com\/app:1$/m)
      expect(output).toMatch(/^\+ +(- )?image: example\.com\/app:2$/m)
    }
    expect(await kubectl('get', 'deployment', 'diff', '-o', 'jsonpath={..image}')).toBe('example.com/app:1')
  })

  test('a dry run on the server shows defaults and writes nothing', async () => {
    const {kubectl, run, file, namespace} = session()
    const path = file('dry.json', deployment(namespace, 'dry', 0))
    const shown = await kubectl('apply', '--dry-run=server', '-o', 'jsonpath={.spec.strategy.type}', '-f', path)
    expect(shown).toBe('RollingUpdate')
    expect((await run(['get', 'deployment', 'dry'])).problem).toContain('deployments.apps "dry" not found')
  })

  test('unknown fields and contradictions are refused by name', async () => {
    const {run, file, namespace} = session()
    const unknown = file('unknown.json', rollout(namespace, 'refused', {colour: 'red'}))
    for (const side of [[], ['--server-side']]) {
      expect((await run(['apply', ...side, '-f', unknown])).problem).toMatch(/spec\.colour/)
    }
    const contradiction = file('contradiction.json', rollout(namespace, 'refused', {strategy: {}}))
    expect((await run(['apply', '-f', contradiction])).problem).toMatch(/exactly one strategy/)
  })
}

function defineEdits(session: Session): void {
  beforeAll(async () => {
    const {kubectl, file, namespace} = session()
    await kubectl('apply', '-f', file('edited.json', deployment(namespace, 'edited', 0)))
  })
  const shows = async (path: string, expected: string) =>
    expect(await session().kubectl('get', 'deployment', 'edited', '-o', `jsonpath={${path}}`)).toBe(expected)

  test('edit, with an editor that changes a line', async () => {
    const {run, file} = session()
    const editor = file('editor.sh', '#!/bin/sh\nexec sed -i "s#example.com/app:1#example.com/app:edited#" "$1"\n')
    const edited = await run(['edit', 'deployment', 'edited'], {environment: {KUBE_EDITOR: editor}})
    expect(edited).toMatchObject({code: 0, output: 'deployment.apps/edited edited\n'})
    await shows('..image', 'example.com/app:edited')
    const idle = await run(['edit', 'deployment', 'edited'], {
      environment: {KUBE_EDITOR: file('idle.sh', '#!/bin/sh\n')},
    })
    expect(idle.problem + idle.output).toContain('Edit cancelled')
  })

  test('set image, label, annotate, scale', async () => {
    const {kubectl, run} = session()
    expect(await kubectl('set', 'image', 'deployment/edited', 'app=example.com/app:set')).toContain('image updated')
    await shows('..image', 'example.com/app:set')
    expect(await kubectl('label', 'deployment', 'edited', 'tier=web')).toContain('labeled')
    const again = await run(['label', 'deployment', 'edited', 'tier=db'])
    expect(again.problem).toContain("'tier' already has a value (web), and --overwrite is false")
    await kubectl('label', 'deployment', 'edited', 'tier=db', '--overwrite')
    await kubectl('annotate', 'deployment', 'edited', 'note=x')
    await shows('.metadata.labels.tier} {.metadata.annotations.note', 'db x')
    await kubectl('annotate', 'deployment', 'edited', 'note-')
    await shows('.metadata.annotations.note', '')
    expect(await kubectl('scale', 'deployment/edited', '--replicas=1')).toBe('deployment.apps/edited scaled\n')
    const mismatch = await run(['scale', 'deployment/edited', '--current-replicas=5', '--replicas=0'])
    expect(mismatch.problem).toMatch(/[Ee]xpected replicas to be 5, was 1/)
    await kubectl('scale', 'deployment/edited', '--replicas=0')
  })

  test.each([
    [
      'strategic',
      '{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"i:strategic"}]}}}}',
      'i:strategic',
    ],
    ['json', '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"i:json"}]', 'i:json'],
    ['merge', '{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"i:merge"}]}}}}', 'i:merge'],
  ])('patch of type %s', async (type, patch, image) => {
    const {kubectl} = session()
    expect(await kubectl('patch', 'deployment', 'edited', `--type=${type}`, '-p', patch)).toContain('patched')
    await shows('..image', image)
    expect(await kubectl('patch', 'deployment', 'edited', `--type=${type}`, '-p', patch)).toContain('no change')
  })

  test('replace, and create of what is there', async () => {
    const {kubectl, run, file, namespace} = session()
    const path = file('replaced.json', deployment(namespace, 'edited', 0))
    expect(await kubectl('replace', '-f', path)).toBe('deployment.apps/edited replaced\n')
    await shows('..image', 'example.com/app:1')
    expect((await run(['create', '-f', path])).problem).toContain('(AlreadyExists)')
  })
}

function defineWorkloads(session: Session): void {
  test('create, rollout status and restart, pause and resume, autoscale', async () => {
    const {kubectl, run} = session()
    expect(await kubectl('create', 'deployment', 'web', '--image=example.com/app:1')).toContain('created')
    const status = ['rollout', 'status', 'deployment/web', '--timeout=30s']
    expect(await kubectl(...status)).toContain('deployment "web" successfully rolled out')
    const pods = (path: string) => kubectl('get', 'pods', '-l', 'app=web', '-o', `jsonpath={${path}}`)
    const first = await pods('.items[*].metadata.name')
    expect(await kubectl('rollout', 'restart', 'deployment/web')).toBe('deployment.apps/web restarted\n')
    expect(await kubectl(...status)).toContain('successfully rolled out')
    await until(async () => (await pods('.items[*].metadata.name')) !== first, 'another Pod')
    expect(await kubectl('rollout', 'pause', 'deployment/web')).toContain('paused')
    expect((await run(['rollout', 'restart', 'deployment/web'])).problem).toMatch(/can't restart paused deployment/)
    expect(await kubectl('rollout', 'resume', 'deployment/web')).toContain('resumed')
    const autoscale = ['autoscale', 'deployment', 'web', '--min=1', '--max=3', '--cpu-percent=50']
    expect(await kubectl(...autoscale)).toContain('horizontalpodautoscaler.autoscaling/web autoscaled')
    const path = 'jsonpath={.spec.maxReplicas} {.spec.metrics[0].resource.target.averageUtilization}'
    expect(await kubectl('get', 'hpa', 'web', '-o', path)).toBe('3 50')
    expect(
      await kubectl(
        'get',
        'horizontalpodautoscalers.v1.autoscaling',
        'web',
        '-o',
        'jsonpath={.spec.targetCPUUtilizationPercentage}',
      ),
    ).toBe('50')
    expect(await kubectl('describe', 'deployment', 'web')).toMatch(/Image: +example\.com\/app:1/)
    await kubectl('delete', 'hpa,deployment', 'web')
  })

  test('services, configuration, secrets, events', async () => {
    const {kubectl} = session()
    await kubectl('create', 'configmap', 'made', '--from-literal=a=b')
    await kubectl('create', 'secret', 'generic', 'made', '--from-literal=password=p')
    expect(await kubectl('get', 'secret', 'made', '-o', 'jsonpath={.type} {.data.password}')).toBe('Opaque cA==')
    expect(await kubectl('describe', 'secret', 'made')).toMatch(/password: +1 bytes/)
    await kubectl('create', 'service', 'clusterip', 'made', '--tcp=80:8080')
    expect(await kubectl('get', 'service', 'made', '-o', 'jsonpath={.spec.ports[0].targetPort}')).toBe('8080')
    await kubectl('create', 'serviceaccount', 'made')
    expect(await kubectl('get', 'sa', 'made', '-o', 'name')).toBe('serviceaccount/made\n')
    await kubectl('events')
    await kubectl('get', 'events', '--field-selector=type=Warning')
  })
}

function defineOutput(session: Session): void {
  beforeAll(async () => {
    const {kubectl} = session()
    for (const [name, tier] of Object.entries({o1: 'web', o2: 'db', o3: 'web'})) {
      await kubectl('create', 'configmap', name, `--from-literal=order=${name === 'o1' ? 3 : name === 'o2' ? 1 : 2}`)
      await kubectl('label', 'configmap', name, `tier=${tier}`, 'out=yes')
    }
  })

  test('selectors by label and field', async () => {
    const {kubectl, run} = session()
    const names = async (...args: string[]) =>
      (await kubectl('get', 'configmaps', '-o', 'name', ...args)).trim().replaceAll('configmap/', '').split('\n')
    expect(await names('-l', 'tier=web')).toEqual(['o1', 'o3'])
    expect(await names('-l', 'tier in (db),out')).toEqual(['o2'])
    expect(await names('-l', 'out,tier!=web')).toEqual(['o2'])
    expect(await names('--field-selector=metadata.name=o3')).toEqual(['o3'])
    expect((await run(['get', 'configmaps', '--field-selector=data.order=1'])).problem).toContain('data.order')
    expect((await run(['get', 'configmaps', '-l', 'tier=none'])).problem).toMatch(/^No resources found in /)
  })

  test('jsonpath, custom columns, sorting, wide, yaml, templates', async () => {
    const {kubectl, file, namespace} = session()
    const get = (...args: string[]) => kubectl('get', 'configmaps', '-l', 'out', ...args)
    expect(await get('-o', 'jsonpath={range .items[*]}{.metadata.name}={.data.order},{end}')).toBe('o1=3,o2=1,o3=2,')
    const columns = await get('-o', 'custom-columns=N:.metadata.name,T:.metadata.labels.tier', '--no-headers')
    expect(
      columns
        .trim()
        .split('\n')
        .map(line => line.split(/\s+/)),
    ).toEqual([
      ['o1', 'web'],
      ['o2', 'db'],
      ['o3', 'web'],
    ])
    expect(await get('--sort-by=.data.order', '-o', 'name')).toBe('configmap/o2\nconfigmap/o3\nconfigmap/o1\n')
    const table = await get('--sort-by=.data.order', '-L', 'tier')
    expect(table.split('\n')[0]?.split(/\s+/)).toEqual(['NAME', 'DATA', 'AGE', 'TIER'])
    expect(table.split('\n')[1]).toMatch(/^o2 +1 +\S+ +db$/)
    await kubectl('apply', '-f', file('shown.json', deployment(namespace, 'shown', 0)))
    const wide = (await kubectl('get', 'deployments', 'shown', '-o', 'wide')).split('\n')
    const heads = ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE', 'CONTAINERS', 'IMAGES', 'SELECTOR']
    expect(wide[0]?.trim().split(/\s+/)).toEqual(heads)
    expect(wide[1]).toMatch(/^shown +0\/0 +0 +0 +\S+ +app +example\.com\/app:1 +app=shown$/)
    const yaml = await kubectl('get', 'deployment', 'shown', '-o', 'yaml')
    expect(yaml).toContain('revisionHistoryLimit: 10')
    expect(yaml).not.toContain('managedFields')
    expect(await get('-o', 'go-template={{len .items}}')).toBe('3')
    expect(await kubectl('get', 'configmaps', '-l', 'out', '--chunk-size=1', '-o', 'name')).toBe(
      'configmap/o1\nconfigmap/o2\nconfigmap/o3\n',
    )
  })

  test('tables of Rollouts', async () => {
    const {kubectl, file, namespace} = session()
    await kubectl('apply', '-f', file('rollout.json', rollout(namespace, 'shown')))
    const table = await kubectl('get', 'rollouts', 'shown')
    const heads = ['NAME', 'PHASE', 'WEIGHT', 'STEP', 'PRIMARY', 'CANARY', 'MESSAGE', 'AGE']
    expect(table.split('\n')[0]?.trim().split(/\s+/)).toEqual(heads)
    expect(await kubectl('get', 'frl', 'shown', '-o', 'name')).toBe('rollout.fairlead.dev/shown\n')
    expect(await kubectl('scale', 'rollout/shown', '--replicas=2')).toContain('scaled')
    expect(await kubectl('describe', 'rollout', 'shown')).toMatch(/Kind: +Rollout/)
    await kubectl('delete', 'rollout', 'shown')
  })
}

function defineDiscovery(session: Session): void {
  test('api-resources and api-versions', async () => {
    const {kubectl} = session()
    const resources = await kubectl('api-resources', '--no-headers')
    expect(resources).toMatch(/^configmaps +cm +v1 +true +ConfigMap$/m)
    expect(resources).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m)
    expect(resources).toMatch(/^rollouts +frl +fairlead\.dev\/v1alpha1 +true +Rollout$/m)
    expect(resources).toMatch(/^namespaces +ns +v1 +false +Namespace$/m)
    const grouped = await kubectl('api-resources', '--api-group=fairlead.dev', '-o', 'name')
    expect(grouped).toContain('rollouts.fairlead.dev')
    const versions = (await kubectl('api-versions')).trim().split('\n')
    expect(versions).toEqual(
      expect.arrayContaining(['apps/v1', 'autoscaling/v1', 'autoscaling/v2', 'fairlead.dev/v1alpha1', 'v1']),
    )
  })

  test('explain, of ours and of built-in kinds', async () => {
    const {kubectl, run} = session()
    const strategy = await kubectl('explain', 'rollout.spec.strategy')
    expect(strategy).toMatch(/KIND: +Rollout/)
    expect(strategy).toMatch(/FIELD: strategy <Object>/)
    expect(strategy).toMatch(/canary\s+<Object>/)
    const replicas = await kubectl('explain', 'deployment.spec.replicas')
    expect(replicas).toMatch(/GROUP: +apps/)
    expect(replicas).toMatch(/FIELD: replicas <integer>/)
    expect(await kubectl('explain', 'pods.spec.containers.image')).toMatch(/FIELD: image <string>/)
    expect((await run(['explain', 'deployment.spec.nonsense'])).problem).toContain('field "nonsense" does not exist')
  })
}

function defineWaiting(session: Session): void {
  test('wait for a condition, a field and a deletion', async () => {
    const {kubectl, run} = session()
    await kubectl('create', 'deployment', 'awaited', '--image=example.com/app:1')
    const wait = (...args: string[]) => kubectl('wait', 'deployment/awaited', '--timeout=30s', ...args)
    expect(await wait('--for=condition=Available')).toContain('condition met')
    expect(await wait('--for=jsonpath={.status.readyReplicas}=1')).toContain('condition met')
    const impossible = await run(['wait', 'deployment/awaited', '--for=jsonpath={.spec.replicas}=7', '--timeout=1s'])
    expect(impossible.problem).toContain('timed out waiting for the condition')
    const waiting = wait('--for=delete')
    await kubectl('delete', 'deployment', 'awaited', '--wait=false')
    await waiting
    expect((await run(['get', 'deployment', 'awaited'])).problem).toContain('not found')
  })

  test('get -w shows a change', async () => {
    const {kubectl, run} = session()
    const watching = run(['get', 'configmaps', '-w', '--request-timeout=3s', '-o', 'name'])
    await new Promise(resolve => setTimeout(resolve, 1000))
    await kubectl('create', 'configmap', 'late', '--from-literal=a=b')
    expect((await watching).output).toContain('configmap/late')
  })
}

function defineCascades(session: Session): void {
  test.each(['background', 'foreground', 'orphan'])('delete --cascade=%s', async cascade => {
    const {kubectl} = session()
    const name = `cascade-${cascade}`
    await kubectl('create', 'deployment', name, '--image=example.com/app:1')
    await kubectl('wait', `deployment/${name}`, '--for=condition=Available', '--timeout=30s')
    expect(await kubectl('delete', 'deployment', name, `--cascade=${cascade}`)).toContain('deleted')
    const pods = () => kubectl('get', 'pods', '-l', `app=${name}`, '-o', 'name')
    if (cascade === 'orphan') expect(await pods()).toMatch(/^pod\//)
    else await until(async () => (await pods()) === '', 'end of the Pods')
    await kubectl('delete', 'all', '-l', `app=${name}`)
  })
}
