// CPU of one compare check in one poll, as the controller takes it: evidence, verdict, figures and sentence.

import type {ArmCounts} from '../../../analysis/compare/poll.ts'
import {noRequests} from '../../../analysis/compare/poll.ts'
import {judgeComparisons} from '../../../analysis/comparisons.ts'
import type {Evidence} from '../../../crds/evidence.ts'
import {settingsOf, usualPlan} from './plan.ts'

export interface CpuRow {
  what: string
  milliseconds: number
}

/** Polls before the clock runs, until the code is compiled, and those that are timed. */
const warmUpPolls = 500
const timedPolls = 2000

/** Bounds of Istio's histograms between 1 ms and 10 s, of which 500 ms is one. */
const bounds = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]

/** One arm that failed, or was slow with, a share of its requests. */
function arm(total: number, share: number): ArmCounts {
  const bad = Math.round(total * share)
  const counts = bounds.map(bound => (bound < 500 ? Math.round(((total - bad) * bound) / 500) : total - bad))
  return {failed: bad, total, durations: {bounds, counts, total}}
}

const latency = [{metric: 'requestDuration', slowerThan: '500ms'}]
const cases = [
  {what: 'errors, 1,500 requests, 0.7 % failed', total: 1500, share: 1 / 150},
  {what: 'errors, 1,500 requests, half failed', total: 1500, share: 0.5},
  {what: 'errors, 300,000 requests, half failed', total: 300_000, share: 0.5},
  {what: 'errors, 3,000,000 requests, half failed', total: 3_000_000, share: 0.5},
  {what: 'latency with twelve buckets, 1,500 requests, 0.7 % slow', total: 1500, share: 1 / 150, checks: latency},
  {what: 'the same, 300,000 requests, half slow', total: 300_000, share: 0.5, checks: latency},
]

export function measureCpu(): CpuRow[] {
  return cases.map(({what, total, share, checks}) => {
    const settings = settingsOf({...usualPlan, ...(checks ? {checks} : {})})
    const counts = {a: arm(total * 0.9, share), b: arm(total * 0.1, share), baseline: noRequests}
    const step = {id: '0', since: 0, canary: 'b', primary: 'a', compared: true} as const
    let evidence: Evidence | undefined
    let before = process.cpuUsage()
    for (let poll = 0; poll < warmUpPolls + timedPolls; poll++) {
      if (poll === warmUpPolls) before = process.cpuUsage()
      const at = 1_700_000_000_000 + poll * 15_000
      const counted = {at, milliseconds: 15_000, sides: {caller: counts}}
      evidence = judgeComparisons(settings, step, evidence, {at, kind: 'counted', poll: counted}).evidence
    }
    return {what, milliseconds: process.cpuUsage(before).user / 1000 / timedPolls}
  })
}
