// Strategies and what may happen to a release, for the tests of the order of writes: each story is played to its end, with a
// controller that dies before one of its writes and comes back later.
import {Controller} from './driver.ts'
import type {meshModels} from './mesh-models.ts'
import {ModelCluster, type Oracle} from './model-cluster.ts'
import {type Agreed, Proxies} from './proxies.ts'
import {settings} from './usual-settings.ts'

const tickMilliseconds = 250
/** For so long nobody writes after the controller has died. */
const deadMilliseconds = 8000
const limitMilliseconds = 300_000

/** A slot is emptied as soon as that is safe by what the mesh has confirmed: no time to drain hides a haste. */
const atOnce = {drainTime: '0s'}

const match = [{headers: [{name: 'x-group', exact: 'insiders'}]}]
const safeguards = {rateLimit: {requests: 5}, circuitBreaker: {}}
const faults = [{service: 'payment', abort: 503}]

interface Setting {
  spec: object
  /** Shares up to which the user has asked for safeguards and faults; there are none when absent. */
  agreed?: Agreed
}

const strategies = {
  canary: {spec: {strategy: {canary: {steps: [{weight: 20}, {weight: 50}]}}}},
  'canary, copies first, then sticky users': {
    spec: {strategy: {canary: {steps: [{weight: 0, mirror: 50}, {weight: 30}], sticky: {}}}},
  },
  'canary with matches': {spec: {strategy: {canary: {steps: [{weight: 0}, {weight: 20}], match}}}},
  'canary with a holdback': {
    spec: {strategy: {canary: {steps: [{weight: 20}], sticky: {}}}, bake: {duration: '10s', holdback: 20}},
  },
  'canary with a holdback and safeguards': {
    spec: {strategy: {canary: {steps: [{weight: 20}]}}, bake: {duration: '10s', holdback: 20}, safeguards},
    agreed: {limits: 20, faults: 0},
  },
  'canary with safeguards and faults': {
    spec: {
      strategy: {
        canary: {
          steps: [
            {weight: 10, pods: 100},
            {weight: 10, pods: 100, faults},
            {weight: 50, pods: 100},
          ],
        },
      },
      safeguards,
    },
    agreed: {limits: 50, faults: 10},
  },
  'canary with faults to the last': {
    spec: {strategy: {canary: {steps: [{weight: 10, pods: 100, faults}]}}},
    agreed: {limits: 0, faults: 10},
  },
  'canary with safeguards and all of its pods': {
    spec: {strategy: {canary: {steps: [{weight: 50, pods: 100}]}}, safeguards},
    agreed: {limits: 50, faults: 0},
  },
  'A/B with sticky users': {spec: {strategy: {abTest: {match, weight: 10, duration: '10s', sticky: {}}}}},
  'A/B with safeguards': {
    spec: {strategy: {abTest: {match, duration: '10s'}}, safeguards},
    agreed: {limits: 0, faults: 0},
  },
  'blue/green': {spec: {strategy: {blueGreen: {pause: {duration: '4s'}}}}},
  'blue/green with copies': {spec: {strategy: {blueGreen: {mirror: 50}}}},
  'blue/green with a rate limit': {
    spec: {strategy: {blueGreen: {pause: {duration: '4s'}}}, safeguards: {rateLimit: {requests: 5}}},
    agreed: {limits: 0, faults: 0},
  },
  'A/B': {spec: {strategy: {abTest: {match, weight: 10, duration: '10s'}}}},
} satisfies Record<string, Setting>
type StrategyName = keyof typeof strategies

/** Where stories are played: a mesh, what the target is, and which strategies that takes. */
interface Place {
  mesh: keyof typeof meshModels
  targetKind?: 'DaemonSet'
  /** What a Rollout has to say there, whatever the strategy. */
  spec?: object
  strategies: readonly StrategyName[]
}

/** Sticky users are the more of the two. */
const all = (Object.keys(strategies) as StrategyName[]).filter(name => name !== 'A/B')
/** Built-in metrics are those of a mesh. */
const ownQuery = {
  analysis: {interval: '5s', window: '5s', checks: [{name: 'success', threshold: {query: 'up', min: 1}}]},
}

export const places = {
  model: {mesh: 'model', strategies: all},
  istio: {mesh: 'istio', strategies: all},
  // The Gateway API has neither safeguards nor faults.
  gatewayAPI: {mesh: 'gatewayAPI', strategies: all.filter(name => !('agreed' in strategies[name]))},
  // Linkerd has no cookies and no copies, either.
  linkerd: {mesh: 'linkerd', strategies: ['canary', 'canary with matches', 'A/B', 'blue/green']},
  'linkerd, borrowed': {mesh: 'linkerd, borrowed', strategies: ['canary', 'blue/green']},
  none: {mesh: 'none', spec: ownQuery, strategies: ['canary', 'blue/green']},
  // It has a pod on every node: a number of pods is none of its business.
  daemonSet: {
    mesh: 'model',
    targetKind: 'DaemonSet',
    strategies: ['canary', 'canary with a holdback and safeguards', 'A/B with sticky users', 'blue/green'],
  },
} satisfies Record<string, Place>
export type PlaceName = keyof typeof places

interface Story {
  oracle?: Oracle
  /** What happens to the release of app:2, one after the other. */
  then?: {when: (cluster: ModelCluster) => boolean; happens: (cluster: ModelCluster) => void}[]
  /** Whether nothing is under way any more. */
  over?: (cluster: ModelCluster) => boolean
}

const onItsStep = (cluster: ModelCluster) =>
  cluster.status.phase === 'Progressing' && cluster.status.release?.stepSince !== undefined
const baking = (cluster: ModelCluster) => cluster.status.phase === 'Baking'
const switching = (cluster: ModelCluster) =>
  cluster.status.phase === 'Promoting' && (cluster.status.traffic?.wanted.b ?? 0) >= 80
const serves = (image: string) => (cluster: ModelCluster) =>
  cluster.status.phase === 'Healthy' && cluster.status.primary?.image === image
const gone = (cluster: ModelCluster) => cluster.gone

function remove(cluster: ModelCluster): void {
  const {rollout} = cluster
  cluster.rollout = {...rollout, metadata: {...rollout.metadata, deletionTimestamp: '2023-11-14T22:13:20Z'}}
}

function loseStatus(cluster: ModelCluster): void {
  cluster.status = {}
}

const merge = (image: string) => (cluster: ModelCluster) => cluster.deploy(image)

/** The adoption comes before each, and a release of app:2 unless it says otherwise. */
export const stories = {
  'a good release': {},
  'a bad release': {oracle: image => (image === 'app:2' ? 'fail' : 'pass')},
  'a newer revision': {then: [{when: onItsStep, happens: merge('app:3')}], over: serves('app:3')},
  'a revert': {then: [{when: onItsStep, happens: merge('app:1')}]},
  'a revert at the switch': {then: [{when: switching, happens: merge('app:1')}]},
  'a revert in the bake': {then: [{when: baking, happens: merge('app:1')}]},
  'a deletion': {then: [{when: onItsStep, happens: remove}], over: gone},
  'a deletion in the bake': {then: [{when: baking, happens: remove}], over: gone},
  'a lost status': {then: [{when: onItsStep, happens: loseStatus}], over: serves('app:2')},
  'a lost status at the switch': {then: [{when: switching, happens: loseStatus}], over: serves('app:2')},
  'a lost status in the bake': {then: [{when: baking, happens: loseStatus}], over: serves('app:2')},
} satisfies Record<string, Story>
export type StoryName = keyof typeof stories

export interface Played {
  writes: number
  ended: boolean
  unserved: string[]
}

/** Plays a story to its end. @param dies before which write of the controller, counted from 1; never when absent */
export function play(place: PlaceName, strategy: StrategyName, story: StoryName, dies?: number): Played {
  const {spec, agreed}: Setting = strategies[strategy]
  const {oracle = () => 'pass', then = [], over = isOver}: Story = stories[story]
  const {mesh, targetKind, spec: demanded = {}}: Place = places[place]
  const kind = targetKind ? {targetKind} : {}
  const cluster = new ModelCluster({...settings, ...kind, mesh, spec: {...atOnce, ...demanded, ...spec}}, oracle)
  const proxies = new Proxies(cluster, settings.settlingMilliseconds, agreed)
  const controller = new Controller(cluster)
  const left = [...then]
  let [writes, told] = [0, false]
  const rest = (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += tickMilliseconds) {
      cluster.advance(tickMilliseconds)
      proxies.look()
    }
  }
  const crash = () => {
    proxies.look()
    writes++
    return writes === dies
  }
  const ended = () => told && left.length === 0 && over(cluster)
  const end = cluster.now + limitMilliseconds
  while (cluster.now < end && !ended()) {
    controller.wake({crash})
    proxies.look()
    if (writes === dies) {
      dies = 0
      rest(deadMilliseconds)
    }
    if (!told && cluster.status.phase === 'Healthy') {
      cluster.deploy('app:2')
      told = true
    } else if (left[0]?.when(cluster)) {
      left.shift()?.happens(cluster)
    }
    rest(tickMilliseconds)
  }
  rest(settings.settlingMilliseconds * 2)
  return {writes, ended: ended(), unserved: proxies.unserved}
}

function isOver({status}: ModelCluster): boolean {
  return (status.phase === 'Healthy' || status.phase === 'Failed') && (status.history ?? []).length > 0
}

/** Numbers of writes before which a controller dies: one in so many, and in each story others. */
export function someOf(writes: number, stride: number, strategy: StrategyName, story: StoryName): number[] {
  const places = [Object.keys(strategies).indexOf(strategy), Object.keys(stories).indexOf(story)]
  const first = 1 + (((places[0] ?? 0) * 5 + (places[1] ?? 0) * 3) % stride)
  const found: number[] = []
  for (let write = first; write <= writes; write += stride) found.push(write)
  return found
}
