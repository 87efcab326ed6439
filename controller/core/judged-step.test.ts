// Which time counts as which step's evidence, where a step has faults: only the time in which they were in force is its own.
import {expect, test} from 'vitest'
import {type RolloutSpec, rolloutSpec} from '../../crds/rollout.ts'
import type {Split} from '../../crds/rollout-status.ts'
import {judgedStep} from './judgement.ts'
import type {Model, Releasing} from './state.ts'

const times = [0, 1, 2, 3].map(minute => `2026-01-01T00:0${minute}:00.000Z`)
const [begun = '', faulted = '', calm = '', switched = ''] = times

const spec: RolloutSpec = rolloutSpec.parse({
  targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'},
  traffic: {istio: {}},
  strategy: {canary: {steps: [{weight: 10, faults: [{service: 'payment', abort: 503}]}]}},
})
const plain: Split = {a: 90, b: 10}
const withFaults: Split = {...plain, apart: {slot: 'b', faults: true}}

function modelOn(phase: Releasing['phase'], wanted: Split, confirmed: Split, confirmedAt: string): Model {
  const content = {revision: 'r', image: 'app', filledAt: begun}
  const release = {id: '1-r', startedAt: begun, phaseSince: begun, stepIndex: 0, stepSince: faulted, weightsSeen: [10]}
  return {
    state: {phase, primary: {...content, slot: 'a'}, canary: {...content, slot: 'b'}, release},
    ledger: {
      traffic: {wanted, since: wanted === confirmed ? begun : switched, confirmed, confirmedAt},
      releases: 1,
      checks: [],
      rejected: [],
      commands: {},
      history: [],
      alerts: [],
    },
  }
}

const judged = (model: Model) => {
  const step = judgedStep(model, spec)
  return step && {id: step.id, since: new Date(step.since).toISOString(), until: step.until !== undefined}
}

test('with its faults in force it is the step', () => {
  expect(judged(modelOn('Progressing', withFaults, withFaults, faulted))).toEqual({
    id: '0',
    since: faulted,
    until: false,
  })
})

test('while it is held without them it is another, whose evidence ends no step', () => {
  const held = {id: '0/calm', since: calm, until: false}
  expect(judged(modelOn('Progressing', plain, plain, calm))).toEqual(held)
  expect(judged(modelOn('WaitingPromotion', plain, plain, calm))).toEqual(held)
})

test.each([
  ['until every proxy has dropped them', 'WaitingPromotion', plain, withFaults],
  ['after the switch', 'Promoting', {a: 0, b: 100}, plain],
] as const)('%s only what was seen before counts', (_, phase, wanted, confirmed) => {
  expect(judged(modelOn(phase, wanted, confirmed, faulted))).toEqual({id: '0', since: faulted, until: true})
})

test.each([
  ['from the promotion on', {since: begun, confirmedAt: begun}, {since: faulted, until: false}],
  ['not while somebody else has changed the route', {since: begun, confirmedAt: ''}, {since: faulted, until: true}],
  ['and again from its repair on', {since: begun, confirmedAt: calm}, {since: calm, until: false}],
])('beside a holdback, what is seen counts %s', (_, {since, confirmedAt}, expected) => {
  const split: Split = {a: 30, b: 70}
  const model = modelOn('Progressing', split, split, begun)
  const {release} = model.state as Releasing
  const traffic = {wanted: split, since, ...(confirmedAt ? {confirmed: split, confirmedAt} : {})}
  const content = {revision: 'r', image: 'app', filledAt: begun}
  const baking: Model = {
    state: {
      phase: 'Baking',
      primary: {...content, slot: 'b'},
      previous: {...content, slot: 'a'},
      release: {...release, phaseSince: faulted},
    },
    ledger: {...model.ledger, traffic},
  }
  expect(judged(baking)).toEqual({id: 'holdback', ...expected})
})

test('what is seen of a step that is about to be another ends neither', () => {
  const model = modelOn('Progressing', withFaults, plain, calm)
  if (model.state.phase !== 'Progressing') throw new Error('not on a step')
  const {stepSince: _since, ...release} = model.state.release
  const leaving = {...model, state: {...model.state, release: {...release, held: {step: 0, since: calm}}}}
  expect(judged(leaving)).toEqual({id: '0/left', since: calm, until: true})
})
