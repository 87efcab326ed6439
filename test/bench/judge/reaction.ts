// How long the controller takes from the reading of a grid time until the route is written: the demo's playground with the
// real controller, bad versions one after the other. The mesh's own time comes on top.
import {gridOf} from '../../../analysis/grid.ts'
import {durationMilliseconds, timeOf} from '../../../crds/common.ts'
import type {KubeObject} from '../../../crds/meta.ts'
import type {RolloutStatus} from '../../../crds/rollout-status.ts'
import {type DemoEnvironment, startEnvironment} from '../../../playground/demo/environment.ts'
import {demoIntervals} from '../../../playground/demo/manifests.ts'
import {firstVersion, release, untilStatus} from '../../../playground/demo/scenario.ts'

const failureShare = 0.3

/** A version of an object, and when it was written, milliseconds since the epoch. */
export interface Change {
  at: number
  object: KubeObject
}

/** Milliseconds from the reading to the route, one per rollback. */
export async function measureReactions(rollbacks: number): Promise<number[]> {
  const environment = await startEnvironment(firstVersion, {mesh: 'istio', strategy: 'canary'})
  try {
    await untilStatus(environment, 'adoption', status => status.phase === 'Healthy')
    const traffic = environment.traffic()
    try {
      const found: number[] = []
      for (let index = 1; index <= rollbacks; index++) {
        const changes = await changesDuring(environment, async () => {
          const merge = {
            version: {version: `9.${index}.0`, failureShare},
            subject: 'a bad one',
            expected: 'RolledBack',
          } as const
          await release(environment, traffic, merge)
        })
        const milliseconds = reactionOf(
          changes,
          gridOf(durationMilliseconds(demoIntervals.analysisInterval)).lagMilliseconds,
        )
        if (milliseconds === undefined) throw new Error(`version 9.${index}.0 was not rolled back by a check`)
        found.push(milliseconds)
      }
      return found
    } finally {
      await traffic.stop()
    }
  } finally {
    await environment.close()
  }
}

/** Every version of the Rollout and of its route meanwhile. */
async function changesDuring({store}: DemoEnvironment, action: () => Promise<void>): Promise<Change[]> {
  const changes: Change[] = []
  const ways = ['rollouts.fairlead.dev', 'virtualservices.networking.istio.io'].map(kind =>
    store.watch(kind, ({object}) => changes.push({at: Date.now(), object: structuredClone(object)})),
  )
  await action()
  for (const stop of ways) stop()
  return changes
}

/**
 * From the time at which the failed check's grid time was read until the route left the canary out; undefined where no check
 * failed.
 */
export function reactionOf(changes: readonly Change[], readMilliseconds: number): number | undefined {
  const statusOf = ({object}: Change) => (object.kind === 'Rollout' ? ((object.status ?? {}) as RolloutStatus) : {})
  const decided = changes.findIndex(change => statusOf(change).phase === 'RollingBack')
  const {checks, canary} = decided < 0 ? {} : statusOf(changes[decided] as Change)
  const failed = checks?.find(({verdict}) => verdict === 'fail')
  if (!failed?.evaluatedAt || !canary) return undefined
  const written = changes.slice(decided).find(({object}) => {
    return object.kind === 'VirtualService' && !JSON.stringify(object.spec).includes(`-${canary.slot}.`)
  })
  return written && written.at - timeOf(failed.evaluatedAt) - readMilliseconds
}
