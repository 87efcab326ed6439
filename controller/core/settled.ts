// Before a slot gets a share, or a larger one, every proxy has to know what it relies on: as many pods as that takes, and the
// slot's destinations as they are wished. A proxy hears of endpoints and of routes on different ways, so the one being written
// before the other is not enough: they have to stand for the mesh's settling time. Since when they do is in the status, so
// that whoever restarts waits for the rest alone.
import {timeOf, timeText} from '../../crds/common.ts'
import type {SlotContent} from '../../crds/rollout-status.ts'
import {protectionOf, strays} from './protection.ts'
import {readiness, readyText} from './readiness.ts'
import {type Ledger, type Model, without} from './state.ts'
import type {World} from './world.ts'

export interface Settled {
  /** Every proxy knows of the pods. */
  settled: boolean
  /** Remembers since when they have been there. */
  ledger: Ledger
  /** What is still awaited, in a few words. */
  message: string
  /** Time (milliseconds) at which to look again; undefined while the pods are not ready. */
  again?: number
}

/** Whether `pods` pods of a slot are there, and have been for so long that every proxy knows of them. */
export function settled(world: World, model: Model, content: SlotContent, pods: number): Settled {
  const {observation} = world
  const {state} = model
  const {ready, message, count} = readiness(observation, content, pods, protectionOf(world, model))
  if (!ready) return {settled: false, ledger: without(model.ledger, 'readySince'), message}
  if ('release' in state && state.release.safeguardsLifted && strays(world, model).length > 0) {
    return {settled: false, ledger: without(model.ledger, 'readySince'), message: 'lifting the safeguards'}
  }
  return known(world, model.ledger, content, pods, count)
}

/** Whether `count` pods, of which `pods` are needed, have been there for the settling time. */
export function known(world: World, before: Ledger, {slot}: SlotContent, pods: number, count: number): Settled {
  const {mesh, meshContext} = world.observation
  const last = before.readySince
  // Of those that were there before some may be gone; further ones count from now on.
  const readySince =
    last?.slot === slot && last.pods >= pods
      ? {...last, pods: Math.min(last.pods, count)}
      : {slot, pods: count, since: timeText(world.now)}
  const ledger = {...before, readySince}
  // Where the selector is the route, a node hears of both by the same endpoints.
  const again = mesh.bySelector ? 0 : timeOf(readySince.since) + mesh.settlingMilliseconds(meshContext)
  if (world.now < again) return {settled: false, ledger, message: `${readyText(count)}, settling`, again}
  return {settled: true, ledger, message: readyText(count)}
}
