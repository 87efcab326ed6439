// Everything that a mesh renders for such Rollouts: for each wish for the traffic that their mesh can fulfil.
import type {KubeObject} from '../../../crds/meta.ts'
import type {Split} from '../../../crds/rollout-status.ts'
import type {Match} from '../../../crds/strategy.ts'
import {meshes} from '../../../mesh/registry.ts'
import type {Feature, MeshContext, MeshProblem, Protection} from '../../../mesh/types.ts'
import {contextOf, namespace, type Routed, settings} from './settings.ts'

interface Wish {
  split: Split
  protection?: Protection
  /** Beside the weights. */
  needs: readonly Feature[]
}

/** What is matched, by what it needs. */
const matches: readonly [needs: Feature, match: Match][] = [
  [
    'matchHeaders',
    {
      headers: [
        {name: 'X-Group', exact: 'insiders'},
        {name: 'x-n', regex: '[0-9]+'},
      ],
    },
  ],
  [
    'matchCookies',
    {
      cookies: [
        {name: 'beta', value: 'a.b'},
        {name: 'plan', value: 'pro'},
      ],
    },
  ],
  ['matchQueryParams', {queryParams: [{name: 'v', exact: '2'}]}],
  ['matchSourceLabels', {source: {labels: {app: 'web'}}}],
  ['matchSourceNamespace', {source: {namespace: 'jobs'}}],
  ['matchSourceRegion', {source: {region: 'eu-1'}}],
]

const safeguards: Protection['safeguards'] = {
  circuitBreaker: {
    consecutiveErrors: 3,
    ejectionTime: '30s',
    maxConnections: 10,
    maxPendingRequests: 5,
    maxRequests: 20,
  },
  rateLimit: {requests: 20, per: '1s'},
}
const faults: Protection['faults'] = [
  {service: 'payments', percent: 100, abort: 503},
  {service: 'stock', percent: 10, delay: '300ms'},
]
const session = 'r2'

const wishes: Readonly<Record<string, Wish>> = {
  'all to a': {split: {a: 100, b: 0}, needs: []},
  'some to b': {split: {a: 95, b: 5}, needs: []},
  'all to b': {split: {a: 0, b: 100}, needs: []},
  'what matches to b': {split: {a: 100, b: 0, apart: {slot: 'b', matched: true}}, needs: []},
  'what matches to a, and a weight': {split: {a: 50, b: 50, apart: {slot: 'a', matched: true}}, needs: []},
  sticky: {split: {a: 70, b: 30, apart: {slot: 'b', session}}, needs: ['sticky']},
  'sticky, nobody new': {split: {a: 100, b: 0, apart: {slot: 'b', session}}, needs: ['sticky']},
  'a share of copies': {split: {a: 100, b: 0, apart: {slot: 'b', mirrorPercent: 50}}, needs: ['mirrorPercent']},
  'all copies': {split: {a: 0, b: 100, apart: {slot: 'a', mirrorPercent: 100}}, needs: ['mirror']},
  'matches and sticky': {
    split: {a: 70, b: 30, apart: {slot: 'b', matched: true, session}},
    needs: ['matchHeaders', 'sticky'],
  },
  'a circuit breaker': {
    split: {a: 95, b: 5},
    protection: {slot: 'b', safeguards: {circuitBreaker: safeguards.circuitBreaker}, faults: []},
    needs: ['circuitBreaker'],
  },
  'a rate limit': {
    split: {a: 5, b: 95},
    protection: {slot: 'a', safeguards: {rateLimit: safeguards.rateLimit}, faults: []},
    needs: ['rateLimit'],
  },
  faults: {
    split: {a: 95, b: 5, apart: {slot: 'b', faults: true}},
    protection: {slot: 'b', safeguards: {}, faults},
    needs: ['faults'],
  },
  everything: {
    split: {a: 70, b: 30, apart: {slot: 'b', matched: true, session, faults: true}},
    protection: {slot: 'b', safeguards, faults},
    needs: ['sticky', 'circuitBreaker', 'rateLimit', 'faults'],
  },
}

export interface Case {
  mesh: Routed
  /** Of the Rollout's settings. */
  settings: string
  wish: string
  context: MeshContext
  objects: KubeObject[]
}

function works(mesh: Routed, context: MeshContext, feature: Feature): boolean {
  return meshes[mesh].features[feature].works && meshes[mesh].limits?.(context, [])[feature] === undefined
}

/** Every case of a mesh; a wish that the mesh can't fulfil for a Rollout is refused before anything is rendered. */
export function casesOf(mesh: Routed): Case[] {
  return Object.entries(settings[mesh]).flatMap(([name, one]) => {
    const bare = contextOf(mesh, one)
    const possible = matches.filter(([needs]) => works(mesh, bare, needs)).map(([, match]) => match)
    const context = {...bare, routing: {matches: possible, sticky: {cookie: 'fairlead-checkout', maxAgeSeconds: 60}}}
    return Object.entries(wishes)
      .filter(([, {needs}]) => needs.every(feature => works(mesh, bare, feature)))
      .filter(([, {split}]) => !split.apart?.matched || possible.length > 0)
      .map(([wish, {split, protection}]) => {
        const objects = one.users ? [one.users] : []
        const {renderDestinations, renderRoutes, renderReturned} = meshes[mesh]
        const rendered = [
          ...renderDestinations(context, ['a', 'b'], objects, protection),
          ...renderRoutes(context, split, objects),
          ...renderReturned(context, objects),
        ]
        return {mesh, settings: name, wish, context, objects: rendered}
      })
  })
}

/** A route for one match that eight times is all that the schema of a Rollout allows, but for its cookies. */
export function routeOf(
  mesh: Routed,
  name: string,
  cookieLength: number,
): {problems: MeshProblem[]; route: KubeObject[]} {
  const one = settings[mesh][name]
  if (!one) throw new Error(`no settings ${name}`)
  const texts = (prefix: string) =>
    Array.from({length: 8}, (_, index) => ({name: `${prefix}${index}`.padEnd(256, 'x'), exact: 'v'.repeat(1024)}))
  const cookies = Array.from({length: 4}, (_, index) => ({name: `c${index}`, value: 'v'.repeat(cookieLength)}))
  const match: Match = {headers: texts('h'), cookies, queryParams: texts('q')}
  const sticky = {cookie: 's'.repeat(128), maxAgeSeconds: 86_400}
  const context = {...contextOf(mesh, one), routing: {matches: Array.from({length: 8}, () => match), sticky}}
  const split: Split = {a: 70, b: 30, apart: {slot: 'b', matched: true, session}}
  const problems = meshes[mesh].problems(context, []).filter(({reason}) => reason === 'InvalidMatch')
  return {problems, route: meshes[mesh].renderRoutes(context, split, [])}
}

/** An object in the lane's own namespace, whatever namespace it was rendered for. */
export function here(object: KubeObject): KubeObject {
  return {...object, metadata: {...object.metadata, namespace}}
}
