import {expect, test} from 'vitest'
import type {RolloutStatus} from '../../crds/rollout-status.ts'
import {deferrable} from './deferral.ts'

const condition = {type: 'Ready', status: 'False' as const, reason: 'Preparing', lastTransitionTime: 't1', message: 'x'}
const stored: RolloutStatus = {
  phase: 'Preparing',
  message: '0 of 3 pods ready',
  conditions: [condition],
  traffic: {wanted: {a: 90, b: 10}, since: 't1'},
}

const cases: [string, Partial<RolloutStatus>, boolean][] = [
  ['a message', {message: '1 of 3 pods ready'}, true],
  ["a condition's message", {conditions: [{...condition, message: 'y'}]}, true],
  ['the time a route was seen', {traffic: {wanted: {a: 90, b: 10}, since: 't1', inForceSince: 't2'}}, true],
  ['a phase', {phase: 'Progressing'}, false],
  ["a condition's reason", {conditions: [{...condition, reason: 'Progressing'}]}, false],
  ["a condition's status", {conditions: [{...condition, status: 'True'}]}, false],
  ['a further condition', {conditions: [condition, {...condition, type: 'Stalled'}]}, false],
  ['since when pods are ready, on which a rise waits', {readySince: {slot: 'b', pods: 1, since: 't2'}}, false],
  ['a weight', {traffic: {wanted: {a: 50, b: 50}, since: 't1'}}, false],
  ['a confirmation', {traffic: {wanted: {a: 90, b: 10}, since: 't1', confirmed: {a: 90, b: 10}}}, false],
  ['the number of pods, which autoscalers read', {replicas: 2}, false],
]

test.each(cases)('%s may wait: %j %s', (_, change, expected) => {
  expect(deferrable(stored, {...stored, ...change})).toBe(expected)
})

test('a first status is written at once', () => {
  expect(deferrable({}, {message: 'x'})).toBe(false)
})
