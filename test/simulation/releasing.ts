// Releases on the model cluster for tests of how the core acts on the judge.
import {expect} from 'vitest'
import {noEvidence} from '../../analysis/compare/proportion.ts'
import type {Note} from '../../controller/core/intents.ts'
import type {ProportionEvidence} from '../../crds/evidence.ts'
import type {ComparisonFacts, PendingAlert} from '../../crds/rollout-status.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type ModelSettings, type Oracle, type Says} from './model-cluster.ts'
import {settings} from './usual-settings.ts'

/** A release of app:2 that has just come onto its first step. */
export function releasing(oracle: Oracle, spec: object = {}, pods: Partial<ModelSettings> = {}): ModelCluster {
  const cluster = new ModelCluster({...settings, ...pods, spec}, oracle)
  until(cluster, () => cluster.status.phase === 'Healthy', 300_000)
  cluster.deploy('app:2')
  until(cluster, () => cluster.status.release?.stepSince !== undefined, 300_000)
  return cluster
}

export function until(cluster: ModelCluster, holds: () => boolean, milliseconds = 120_000): void {
  expect(runUntil(cluster, holds, milliseconds), `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
}

/** A first version and a release up to its bake, looked at after every pass. */
export function untilBake(cluster: ModelCluster, look: () => void): void {
  for (const phase of ['Healthy', 'Baking']) {
    const held = runUntil(cluster, () => cluster.status.phase === phase, 300_000, {}, look)
    expect(held, `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
    look()
    if (phase === 'Healthy') cluster.deploy('app:2')
  }
}

/** What people are told until a condition holds. */
export function toldUntil(
  cluster: ModelCluster,
  holds: () => boolean,
  milliseconds = 300_000,
): {events: Note[]; alerts: PendingAlert[]} {
  const events: Note[] = []
  const alerts = new Map<string, PendingAlert>()
  const held = runUntil(cluster, holds, milliseconds, {}, notes => {
    events.push(...notes)
    for (const alert of cluster.status.alerts ?? []) alerts.set(alert.id, alert)
  })
  expect(held, `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
  return {events, alerts: [...alerts.values()]}
}

/** An analysis with one compare check, polls every five seconds and a deadline of 30 s. */
export function analysis(more: object = {}): {analysis: object} {
  return {
    analysis: {
      interval: '5s',
      window: '5s',
      inconclusiveDeadline: '30s',
      checks: [{name: 'success', compare: {metric: 'requestErrors'}}],
      ...more,
    },
  }
}

export const onCall = {alerts: [{channelRef: {name: 'on-call'}, severity: 'info'}]}

/** Figures of a comparison. */
function facts(more: Partial<ComparisonFacts> = {}): ComparisonFacts {
  return {
    canary: {failed: 0, total: 450},
    primary: {failed: 4, total: 4000},
    oddsRatio: {},
    harm: {value: 0.8, boundary: 100},
    harmless: {value: 40, boundary: 20},
    overdispersion: 1,
    ...more,
  }
}

/** A comparison that needs so many more requests, and the canary's requests in this step. */
export function waiting(needed: number, canaryStep = {failed: 0, total: 60}): Says {
  const proportion: ProportionEvidence = {...noEvidence, canaryStep}
  const evidence = facts({
    canary: canaryStep,
    primary: {failed: 1, total: 540},
    harm: {value: 1, boundary: 100},
    harmless: {value: 2, boundary: 20},
    needed,
  })
  return {
    result: {verdict: 'inconclusive', reason: 'MoreRequestsNeeded', message: `about ${needed} more`, evidence},
    evidence: {through: '2026-01-01T00:00:00.000Z', step: '0', checks: [{name: 'success', proportions: [proportion]}]},
    canaryRequestsPerSecond: 2,
  }
}

/** A comparison that is over, with a sentence and figures. */
export function said(verdict: 'pass' | 'fail', message: string, more: Partial<ComparisonFacts> = {}): Says {
  const reason = verdict === 'pass' ? 'Harmless' : 'Harmful'
  return {result: {verdict, reason, message, evidence: facts(more)}}
}
