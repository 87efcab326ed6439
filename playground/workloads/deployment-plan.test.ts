import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {type PlannedPod, planDeployment} from './deployment-plan.ts'

function pod(name: string, fields: Partial<PlannedPod> = {}): PlannedPod {
  return {name, createdAt: 0, updated: true, available: true, ...fields}
}

const old = {updated: false}
const unavailable = {available: false}

describe('planDeployment', () => {
  it.each([
    {what: 'fills up', pods: [], replicas: 3, plan: {creations: 3, deletions: []}},
    {what: 'is done', pods: [pod('x')], replicas: 1, plan: {creations: 0, deletions: []}},
    {
      what: 'scales down by the youngest',
      pods: [pod('x', {createdAt: 2}), pod('y', {createdAt: 1})],
      replicas: 1,
      plan: {creations: 0, deletions: ['x']},
    },
    {
      what: 'scales down by the unavailable',
      pods: [pod('x', unavailable), pod('y')],
      replicas: 1,
      plan: {creations: 0, deletions: ['x']},
    },
    {what: 'surges by one', pods: [pod('x', old), pod('y', old)], replicas: 2, plan: {creations: 1, deletions: []}},
    {
      what: 'waits for the new one',
      pods: [pod('x', old), pod('y', {...unavailable})],
      replicas: 1,
      plan: {creations: 0, deletions: []},
    },
    {what: 'lets an old one go', pods: [pod('x', old), pod('y')], replicas: 1, plan: {creations: 0, deletions: ['x']}},
    {
      what: 'keeps a failing old one until the new one is there',
      pods: [pod('x', {...old, ...unavailable}), pod('y', old), pod('z', unavailable)],
      replicas: 2,
      plan: {creations: 0, deletions: []},
    },
    {
      what: 'lets a failing old one go first',
      pods: [pod('x', old), pod('y', {...old, ...unavailable}), pod('z')],
      replicas: 2,
      plan: {creations: 0, deletions: ['y']},
    },
    {what: 'empties', pods: [pod('x', old), pod('y')], replicas: 0, plan: {creations: 0, deletions: ['y', 'x']}},
  ])('$what', ({pods, replicas, plan}) => {
    expect(planDeployment(pods, replicas)).toEqual(plan)
  })

  it('never takes availability below what it was and is wanted, and ends with the present template alone', () => {
    const anyPod = fc.record({updated: fc.boolean(), available: fc.boolean()})
    fc.assert(
      fc.property(fc.array(anyPod, {maxLength: 8}), fc.integer({min: 0, max: 6}), (given, replicas) => {
        let pods = given.map((fields, index) => pod(`given-${index}`, fields))
        for (let step = 0; step < 60; step++) {
          const before = pods.filter(one => one.available).length
          const plan = planDeployment(pods, replicas)
          pods = pods.filter(one => !plan.deletions.includes(one.name))
          expect(pods.filter(one => one.available).length).toBeGreaterThanOrEqual(Math.min(before, replicas))
          for (let made = 0; made < plan.creations; made++) pods.push(pod(`new-${step}-${made}`, unavailable))
          if (plan.creations > 0) expect(pods.length).toBeLessThanOrEqual(replicas + 1)
          pods = pods.map(one => (one.updated ? {...one, available: true} : one))
        }
        expect(pods.length).toBe(replicas)
        expect(pods.every(one => one.updated)).toBe(true)
      }),
    )
  })
})
