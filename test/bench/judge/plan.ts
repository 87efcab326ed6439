// How a release goes on: its checks, its steps, and how long the controller and the mesh take. Times are seconds.
import {type CompareSettings, compareSettings} from '../../../analysis/compare/settings.ts'
import {gridOf} from '../../../analysis/grid.ts'
import {rolloutSpec} from '../../../crds/rollout.ts'
import type {Incident} from './conditions.ts'

/**
 * From the reading of a grid time until the weight has moved in the mesh. An assumption on the safe side of what is
 * measured: see reaction.ts for the controller's part; test/cluster/envoy prints that of Envoy Gateway with Envoy.
 */
export const moveSeconds = 1

export interface Plan {
  pollSeconds: number
  /** From the write of a weight until it counts as in force: the mesh's settling time. */
  settleSeconds: number
  /** The longest stay in a step; then the release pauses. */
  deadlineSeconds: number
  /** Go on after a step could have ended, with the next one at the same weight, until the deadline. */
  goOn?: boolean
  /** Weights of a whole release; one step at the weight of the conditions when absent. */
  weights?: readonly number[]
  bake?: Bake
  /** Both versions suffer from the moment on at which the weight of a step begins to move. */
  atMove?: {step: number; incident: Incident}
  /** Compare checks; one of errors when absent. */
  checks?: readonly object[]
  preset?: 'standard' | 'lowTraffic'
}

/** Gateway API, whose settling time is 2 s. One step: it ends with a verdict, or after ten minutes. */
export const usualPlan: Plan = {pollSeconds: 15, settleSeconds: 2, deadlineSeconds: 600}

/** What comes after the promotion. Times are from its begin. */
export interface Bake {
  seconds: number
  /** Share that the old version keeps; without one the new version has nothing beside it. */
  holdback?: number
  onset?: number
  incident?: Incident
}

/** From a grid time until it is read: the product's own rule. */
export function readSeconds(pollSeconds: number): number {
  return gridOf(pollSeconds * 1000).lagMilliseconds / 1000
}

/** The settings of a plan's checks, as the controller makes them. */
export function settingsOf({checks = [{metric: 'requestErrors'}], preset = 'standard'}: Plan): CompareSettings[] {
  const {analysis} = rolloutSpec.parse({
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'app'},
    traffic: {istio: {}},
    strategy: {canary: {steps: [{weight: 10}]}},
    analysis: {preset, checks: checks.map((compare, index) => ({name: `check-${index}`, compare}))},
  })
  return compareSettings(analysis)
}
