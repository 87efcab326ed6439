// Releases on the real control plane, from the merge to the end; after each the history is searched for breaches.
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {type Bench, openAdopted, openBench, openSite, type Site} from './bench.ts'
import {image, name, settingsName} from './fixture.ts'
import {breaches} from './laws.ts'

let site: Site

beforeAll(async () => {
  site = await openSite()
})

afterAll(async () => site.close())

/** Outcomes of the ended releases, oldest first. */
function outcomes(bench: Bench): string[] {
  return (bench.status().history ?? []).map(({outcome}) => outcome).reverse()
}

function setImage(bench: Bench, version: string): Promise<string> {
  return bench.kubectl('set', 'image', `deployment/${name}`, `app=${image(version)}`)
}

/** A release that is under way, with some of the traffic on the canary. */
function releasing(bench: Bench, version: string): Promise<unknown> {
  return bench.until(
    `weight on ${version}`,
    status =>
      status.phase === 'Progressing' && status.canary?.image === image(version) && (status.canaryWeight ?? 0) > 0,
  )
}

function serving(bench: Bench, version: string): Promise<unknown> {
  return bench.until(
    `${version} as primary`,
    status => status.phase === 'Healthy' && status.primary?.image === image(version),
  )
}

describe.concurrent('a release', () => {
  test('adopts: the slot serves, then the target is parked', async () => {
    const bench = await openAdopted(site, 'release-adopted')
    const {primary, capacity, replicas} = bench.status()
    expect({primary: primary?.image, slot: primary?.slot, capacity, replicas}).toEqual({
      primary: image('1'),
      slot: 'a',
      capacity: 2,
      replicas: 2,
    })
    await bench.untilTrue('a parked target', () => bench.object('Deployment', name)?.spec?.replicas === 0)
    expect(bench.object('Deployment', `${name}-a`)?.spec?.replicas).toBe(2)
    expect(await bench.close()).toEqual([])
  })

  test('is promoted, and the next one as well', async () => {
    const bench = await openAdopted(site, 'release-promoted')
    for (const version of ['2', '3']) {
      await setImage(bench, version)
      await serving(bench, version)
    }
    expect(outcomes(bench)).toEqual(['Promoted', 'Promoted'])
    expect(bench.status().history?.[0]?.weights).toEqual([10, 50, 100])
    // The pods that were analysed serve: the slot was not touched by the promotion.
    expect(bench.status().primary?.imageIDs?.[0]).toContain(image('3'))
    await bench.untilTrue('an empty slot', () => bench.object('Deployment', `${name}-b`)?.spec?.replicas === 0)
    expect(await bench.close()).toEqual([])
  })

  test('with a baseline: a fresh copy of the primary stands beside the canary, and in no way', async () => {
    const bench = await openAdopted(site, 'release-baseline')
    const copy = () => bench.object('Deployment', `${name}-baseline`)
    const patch = [{op: 'add', path: '/spec/analysis/baseline', value: true}]
    await bench.kubectl('patch', 'rollout', name, '--type=json', '-p', JSON.stringify(patch))
    await setImage(bench, '2')
    await bench.until('the second step', status => status.canaryWeight === 50)
    expect(copy()?.spec?.template.spec.containers[0].image).toBe(image('1'))
    await bench.untilTrue('as many pods as the canary', () => {
      const canary = bench.object('Deployment', `${name}-b`)?.spec?.replicas
      return copy()?.status?.readyReplicas === canary
    })
    // The slot's selector holds for these pods too: its Deployment must not take them for its own.
    expect(bench.object('Deployment', `${name}-a`)?.status?.replicas).toBe(2)
    await serving(bench, '2')
    await bench.untilTrue('no baseline', () => copy() === undefined)
    expect(outcomes(bench)).toEqual(['Promoted'])
    expect(await bench.close()).toEqual([])
  })

  test('of a bad version is rolled back and not tried again', async () => {
    const bench = await openAdopted(site, 'release-bad')
    bench.traffic('b', 0.5)
    await setImage(bench, 'bad')
    await bench.until('a rollback', status => status.phase === 'Failed')
    expect(outcomes(bench)).toEqual(['RolledBack'])
    expect(bench.status().history?.[0]?.reason).toBe('CheckFailed')
    expect(bench.status().primary?.image).toBe(image('1'))
    // A controller that starts anew reads the rejection from status.
    await bench.restart('SIGKILL')
    await new Promise(resolve => setTimeout(resolve, 4000))
    expect(bench.status().phase).toBe('Failed')
    expect(bench.status().releases).toBe(1)
    expect(await bench.close()).toEqual([])
  })
})

describe.concurrent('a release that does not go straight', () => {
  test('because its pods never get ready takes no traffic', async () => {
    const bench = await openAdopted(site, 'release-unready', {rollout: {progressDeadline: '5s'}})
    const metadata = {annotations: {'test.fairlead.dev/readiness': 'never'}}
    await bench.kubectl('patch', 'deployment', name, '-p', JSON.stringify({spec: {template: {metadata}}}))
    await bench.until('an end', status => status.phase === 'Failed')
    expect(bench.status().history?.[0]).toMatchObject({outcome: 'RolledBack', weights: []})
    expect(await bench.close()).toEqual([])
  })

  test('is superseded by a newer revision', async () => {
    const bench = await openAdopted(site, 'release-superseded')
    await setImage(bench, '2')
    await releasing(bench, '2')
    await setImage(bench, '3')
    await serving(bench, '3')
    expect(outcomes(bench)).toEqual(['Superseded', 'Promoted'])
    expect(await bench.close()).toEqual([])
  })

  test('is ended by a revert, and no new one starts', async () => {
    const bench = await openAdopted(site, 'release-reverted')
    await setImage(bench, '2')
    await releasing(bench, '2')
    await setImage(bench, '1')
    await serving(bench, '1')
    await new Promise(resolve => setTimeout(resolve, 4000))
    expect(outcomes(bench)).toEqual(['Reverted'])
    expect(bench.status().releases).toBe(1)
    expect(await bench.close()).toEqual([])
  })

  test('is tried again when the user says so', async () => {
    const bench = await openAdopted(site, 'release-retried')
    bench.traffic('b', 0.5)
    await setImage(bench, '2')
    const failed = await bench.until('a rollback', status => status.phase === 'Failed')
    bench.traffic('b', 0)
    // The window has to lose sight of the failures.
    await new Promise(resolve => setTimeout(resolve, 3000))
    const revision = failed.rejected?.[0]?.revision
    await bench.kubectl('annotate', 'rollout', name, `fairlead.dev/retry=${revision}`)
    await serving(bench, '2')
    expect(outcomes(bench)).toEqual(['RolledBack', 'Promoted'])
    expect(await bench.close()).toEqual([])
  })
})

test('the search for breaches finds them', async () => {
  const bench = await openAdopted(site, 'release-laws')
  const changes = site.history.changes(bench.namespace)
  expect(breaches(changes)).toEqual([])
  const without = (kind: string) => changes.filter(({object}) => object.kind !== kind)
  expect(breaches(without('EndpointSlice')).join()).toContain('no ready endpoint')
  expect(breaches(without('DestinationRule')).join()).toContain('there is no DestinationRule')
  expect(await bench.close()).toEqual([])
})

describe.concurrent('configuration', () => {
  test('a changed ConfigMap is a release; the primary keeps the old contents', async () => {
    const bench = await openAdopted(site, 'release-configmap')
    const before = bench.object('Deployment', `${name}-a`)?.spec?.template
    await bench.kubectl('patch', 'configmap', settingsName, '-p', '{"data":{"MODE":"two"}}')
    await bench.until('a release', status => status.phase === 'Progressing')
    const copyOf = (slot: string) =>
      bench.object('Deployment', `${name}-${slot}`)?.spec?.template.spec.containers[0].envFrom[0].configMapRef.name
    const [old, fresh] = [copyOf('a'), copyOf('b')]
    const read = (copy: string) => bench.kubectl('get', 'configmap', copy, '-o', 'jsonpath={.data.MODE}{.immutable}')
    expect(await read(old)).toBe('onetrue')
    expect(await read(fresh)).toBe('twotrue')
    await bench.until('a promotion', status => status.phase === 'Healthy' && status.primary?.slot === 'b')
    expect(bench.object('Deployment', `${name}-a`)?.spec?.template).toEqual(before)
    expect(outcomes(bench)).toEqual(['Promoted'])
    expect(await bench.close()).toEqual([])
  })

  test('a Secret that is rotated while a release is paused changes nothing about it', async () => {
    const steps = [{weight: 10, pause: {}}, {weight: 50}]
    const bench = await openAdopted(site, 'release-secret', {
      rollout: {strategy: {canary: {steps}}},
      before: async kubectl => {
        await kubectl('create', 'secret', 'generic', 'database', '--from-literal=password=one')
        const patch = [
          {op: 'add', path: '/spec/template/spec/containers/0/envFrom/-', value: {secretRef: {name: 'database'}}},
        ]
        await kubectl('patch', 'deployment', name, '--type=json', '-p', JSON.stringify(patch))
      },
    })
    await setImage(bench, '2')
    await bench.until('a pause', status => status.release?.stepSince !== undefined && status.canaryWeight === 10)
    await bench.kubectl('patch', 'secret', 'database', '-p', '{"stringData":{"password":"two"}}')
    await new Promise(resolve => setTimeout(resolve, 5000))
    const {canary, releases, phase} = bench.status()
    expect({image: canary?.image, releases, phase}).toEqual({image: image('2'), releases: 1, phase: 'Progressing'})
    await bench.kubectl('annotate', 'rollout', name, `fairlead.dev/skip-step=${canary?.revision}`)
    await serving(bench, '2')
    // Both slots read the live Secret: a frozen copy of a rotated password would take the primary down.
    const secrets = await bench.kubectl('get', 'secrets', '-o', 'name')
    expect(secrets.trim()).toBe('secret/database')
    expect(await bench.close()).toEqual([])
  })
})

describe.concurrent('state', () => {
  test('that is wiped in the middle of a release is rebuilt from the slots and the route', async () => {
    const bench = await openAdopted(site, 'release-wiped')
    await setImage(bench, '2')
    await releasing(bench, '2')
    const wipe = [{op: 'replace', path: '/status', value: {}}]
    await bench.kubectl('patch', 'rollout', name, '--subresource=status', '--type=json', '-p', JSON.stringify(wipe))
    await serving(bench, '2')
    expect(await bench.close()).toEqual([])
  })

  test('that is wiped when nothing goes on is rebuilt without a release', async () => {
    const bench = await openAdopted(site, 'release-wiped-idle')
    const wipe = [{op: 'replace', path: '/status', value: {}}]
    await bench.kubectl('patch', 'rollout', name, '--subresource=status', '--type=json', '-p', JSON.stringify(wipe))
    await bench.until('a rebuilt status', status => status.phase === 'Healthy')
    expect(bench.status().primary).toMatchObject({slot: 'a', image: image('1')})
    expect(await bench.close()).toEqual([])
  })
})

describe.concurrent('deletion', () => {
  /** The target serves again on the primary's template, and nothing of Fairlead's is left. */
  async function expectGivenBack(bench: Bench): Promise<void> {
    await bench.untilTrue('the Rollout to go', () => bench.rollout() === undefined)
    const live = bench.object('Deployment', name)
    expect(live?.spec?.replicas).toBe(2)
    expect(live?.spec?.template.spec.containers[0].image).toBe(image('1'))
    await bench.untilTrue('a ready target', () => bench.object('Deployment', name)?.status?.readyReplicas === 2)
    const kinds = 'deployments,services,configmaps,secrets,controllerrevisions,virtualservices,destinationrules'
    const left = await bench.kubectl('get', kinds, '-l', 'fairlead.dev/rollout', '-o', 'name')
    expect(left.trim()).toBe('')
    const selector = bench.object('Service', name)?.spec?.selector
    expect(selector).toEqual({app: name})
  }

  for (const cascade of ['background', 'foreground', 'orphan'] as const) {
    test(`--cascade=${cascade} gives the target back`, async () => {
      const bench = await openAdopted(site, `release-deleted-${cascade}`)
      await bench.kubectl('delete', 'rollout', name, `--cascade=${cascade}`, '--wait=false')
      await expectGivenBack(bench)
      expect(await bench.close()).toEqual([])
    })
  }

  test('in the middle of a release gives the target back on the primary, not on the canary', async () => {
    const bench = await openAdopted(site, 'release-deleted-midway')
    await setImage(bench, '2')
    await releasing(bench, '2')
    await bench.kubectl('delete', 'rollout', name, '--wait=false')
    await expectGivenBack(bench)
    expect(await bench.close()).toEqual([])
  })

  test('of the namespace goes through', async () => {
    // Rights that lie in the namespace go with it, before the Rollout can: docs/install.md says so. Rights of the whole
    // cluster are the case here.
    const bench = await openAdopted(site, 'release-namespace', {controllerKubeconfig: site.kubeconfig})
    await setImage(bench, '2')
    await releasing(bench, '2')
    await bench.kubectl('delete', 'namespace', bench.namespace, '--wait=true', '--timeout=150s')
    expect(bench.rollout()).toBeUndefined()
    await bench.close()
  })

  test('of a Rollout that was never adopted leaves everything as it was', async () => {
    const bench = await openBench(site, 'release-deleted-early', {rollout: {suspend: true}})
    await bench.until('a first status', status => status.phase !== undefined)
    await bench.kubectl('delete', 'rollout', name, '--timeout=150s')
    expect(bench.object('Deployment', name)?.spec?.replicas).toBe(2)
    expect(bench.object('Service', name)?.spec?.selector).toEqual({app: name})
    expect(await bench.close()).toEqual([])
  })
})
