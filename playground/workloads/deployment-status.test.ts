import {describe, expect, it} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {deploymentStatus} from './deployment-status.ts'
import {deployment} from './fixtures.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const none = {total: 0, updated: 0, ready: 0, available: 0}
const all = {total: 2, updated: 2, ready: 2, available: 2}

function withStatus(status: unknown, spec: object = {}): KubeObject {
  const base = deployment('checkout', 2)
  return {...base, metadata: {...base.metadata, generation: 4}, spec: {...base.spec, ...spec}, status}
}

function conditionOf(status: {conditions?: unknown}, type: string): Record<string, string> | undefined {
  return (status.conditions as Record<string, string>[]).find(condition => condition['type'] === type)
}

describe('deploymentStatus', () => {
  it('leaves counters of 0 out and reports the generation', () => {
    const {status} = deploymentStatus(withStatus(undefined), none, start)
    expect(Object.keys(status)).toEqual(['observedGeneration', 'conditions'])
    expect(status['observedGeneration']).toBe(4)
    expect(conditionOf(status, 'Available')).toMatchObject({status: 'False', reason: 'MinimumReplicasUnavailable'})
    expect(conditionOf(status, 'Progressing')).toMatchObject({status: 'True', reason: 'ReplicaSetUpdated'})
  })

  it('keeps the times of conditions that do not change', () => {
    const first = deploymentStatus(withStatus(undefined), all, start).status
    const second = deploymentStatus(withStatus(first), all, start + 60_000).status
    expect(second).toEqual(first)
  })

  it('passes the progress deadline only when nothing has moved', () => {
    const spec = {progressDeadlineSeconds: 10}
    const one = {...none, total: 1, updated: 1}
    const first = deploymentStatus(withStatus(undefined, spec), one, start)
    expect(first.deadlineAt).toBe(start + 10_000)
    const moved = deploymentStatus(withStatus(first.status, spec), {...one, ready: 1}, start + 9_000)
    expect(moved.deadlineAt).toBe(start + 19_000)
    const late = deploymentStatus(withStatus(moved.status, spec), {...one, ready: 1}, start + 19_000)
    expect(conditionOf(late.status, 'Progressing')).toMatchObject({status: 'False', reason: 'ProgressDeadlineExceeded'})
    expect(
      conditionOf(deploymentStatus(withStatus(late.status, spec), all, start + 20_000).status, 'Progressing'),
    ).toMatchObject({
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      lastTransitionTime: '2026-01-01T00:00:20Z',
    })
  })

  it('starts to progress anew with a new template, and not with a pod that is lost', () => {
    const done = deploymentStatus(withStatus(undefined), all, start).status
    const lost = deploymentStatus(withStatus(done), {...all, ready: 1, available: 1}, start + 1_000).status
    expect(conditionOf(lost, 'Progressing')?.['reason']).toBe('NewReplicaSetAvailable')
    expect(conditionOf(lost, 'Available')?.['status']).toBe('False')
    const rolling = deploymentStatus(withStatus(done), {...all, total: 3, updated: 1}, start + 1_000).status
    expect(conditionOf(rolling, 'Progressing')).toMatchObject({
      reason: 'ReplicaSetUpdated',
      lastUpdateTime: '2026-01-01T00:00:01Z',
    })
  })
})
