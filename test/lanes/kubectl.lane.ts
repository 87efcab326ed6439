// kubectl itself against the API emulator: what the README tells a person to type, with every kubectl that is found.
import {execFile} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {stringify} from 'yaml'
import {startEmulator} from '../contract/cluster/emulator.ts'
import {describeKubectlContract} from '../contract/cluster/kubectl.ts'
import {kubectls} from '../contract/cluster/kubectl-binaries.ts'

const run = promisify(execFile)

const found = kubectls()
let emulator: Awaited<ReturnType<typeof startEmulator>>
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-kubectl-'))
  emulator = await startEmulator()
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{name: 'emulator', cluster: {server: emulator.server.url}}],
    users: [{name: 'emulator', user: {}}],
    contexts: [{name: 'emulator', context: {cluster: 'emulator', user: 'emulator'}}],
    'current-context': 'emulator',
  }
  writeFileSync(join(folder, 'kubeconfig'), stringify(config))
})

afterAll(async () => {
  await emulator.close()
  rmSync(folder, {recursive: true, force: true})
})

test('there is a kubectl to test with', () => {
  expect(found.length).toBeGreaterThan(0)
})

for (const binary of contractBinaries()) describeKubectlContract(binary, () => join(folder, 'kubeconfig'))

/** The oldest and the newest: these also keep the contract that the cluster lane holds the real server to. */
function contractBinaries(): string[] {
  const [first, ...numbered] = found
  return [...new Set([numbered[0] ?? first, numbered.at(-1) ?? first].filter(binary => binary !== undefined))]
}

/** Runs one kubectl in a namespace of its own. */
function commandOf(binary: string) {
  const namespace = `n${found.indexOf(binary)}`
  const kubectl = async (...args: string[]): Promise<string> => {
    const files = ['--kubeconfig', join(folder, 'kubeconfig'), '--cache-dir', join(folder, 'cache', namespace)]
    const {stdout} = await run(binary, [...files, '-n', namespace, ...args], {timeout: 20_000})
    return stdout
  }
  const file = (name: string, objects: object[]): string => {
    const path = join(folder, `${namespace}-${name}`)
    writeFileSync(path, objects.map(object => stringify(object)).join('---\n'))
    return path
  }
  return {namespace, kubectl, file}
}

describe.each(found)('%s, built-in kinds', binary => {
  const {namespace, kubectl, file} = commandOf(binary)

  test('create namespace, apply on both sides, get, describe, patch, annotate, scale, wait, delete', async () => {
    expect(await kubectl('create', 'namespace', namespace)).toContain('created')
    const app = file('app.yaml', [deployment(2)])
    expect(await kubectl('apply', '-f', app)).toContain('created')
    expect(await kubectl('apply', '-f', app)).toContain('unchanged')
    expect(await kubectl('apply', '--server-side', '--force-conflicts', '-f', app)).toContain('serverside-applied')
    expect(await kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('2')
    await kubectl('scale', 'deployment/web', '--replicas=5')
    await kubectl(
      'patch',
      'deployment',
      'web',
      '-p',
      JSON.stringify({spec: {template: {spec: {containers: [{name: 'web', image: 'web:2'}]}}}}),
    )
    expect(
      await kubectl(
        'get',
        'deploy',
        'web',
        '-o',
        'jsonpath={.spec.replicas} {.spec.template.spec.containers[*].image}',
      ),
    ).toBe('5 web:2')
    await kubectl('annotate', 'deployment', 'web', 'note=x')
    expect(await kubectl('describe', 'deployment', 'web')).toContain('web:2')
    expect(await kubectl('wait', '--for=jsonpath={.spec.replicas}=5', 'deployment/web', '--timeout=5s')).toContain(
      'condition met',
    )
    expect(await kubectl('delete', 'deployment', 'web')).toContain('deleted')
    expect(await kubectl('get', 'deployments', '-o', 'name')).toBe('')
  })

  test('get -w shows a change', async () => {
    const watching = kubectl('get', 'configmaps', '-w', '--request-timeout=3s', '-o', 'name').catch(
      (error: {stdout?: string}) => error.stdout ?? '',
    )
    await new Promise(resolve => setTimeout(resolve, 1000))
    await kubectl('create', 'configmap', 'late', '--from-literal=a=b')
    expect(await watching).toContain('configmap/late')
  })
})

describe.each(found)('%s, rollouts', binary => {
  const {kubectl, file} = commandOf(binary)

  test('rollouts: table columns, unknown fields and contradictions refused, events', async () => {
    expect(await kubectl('apply', '--server-side', '-f', file('rollout.yaml', [rollout({})]))).toContain(
      'serverside-applied',
    )
    const table = await kubectl('get', 'rollouts')
    expect(table.split('\n')[0]?.trim().split(/\s+/)).toEqual([
      'NAME',
      'PHASE',
      'WEIGHT',
      'STEP',
      'PRIMARY',
      'CANARY',
      'MESSAGE',
      'AGE',
    ])
    await expect(
      kubectl('apply', '--server-side', '-f', file('unknown.yaml', [rollout({colour: 'red'})])),
    ).rejects.toThrow(/spec\.colour/)
    await expect(
      kubectl('apply', '--server-side', '-f', file('strategy.yaml', [rollout({strategy: {}})])),
    ).rejects.toThrow(/exactly one strategy/)
    expect(await kubectl('get', 'frl', '-o', 'jsonpath={.items[0].spec.analysis.window}')).toBe('1m')
    expect(await kubectl('events')).toBeDefined()
    expect(await kubectl('get', 'rollout', 'web', '-o', 'yaml')).toContain('targetRef')
    expect(await kubectl('delete', 'rollout', 'web')).toContain('deleted')
  })
})

function deployment(replicas: number): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name: 'web'},
    spec: {
      replicas,
      selector: {matchLabels: {app: 'web'}},
      template: {metadata: {labels: {app: 'web'}}, spec: {containers: [{name: 'web', image: 'web:1'}]}},
    },
  }
}

function rollout(changes: object): object {
  const spec = {
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'web'},
    traffic: {istio: {}},
    strategy: {canary: {steps: [{weight: 20}]}},
    ...changes,
  }
  return {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout', metadata: {name: 'web'}, spec}
}
