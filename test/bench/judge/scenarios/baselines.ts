// `analysis.baseline`: as many fresh pods of the primary's version as the canary has. At a weight of 10 % that is one of ten,
// which stands beside the primary's ten.
import {harmful, incident, type Scenario, scenario} from './scenario.ts'

const baseline = 1 / 11
/** Cold caches: whatever has just been started fails for its first two minutes. */
const cold = {seconds: 120, share: 0.02}

export const baselineScenarios: readonly Scenario[] = [
  scenario('baseline, healthy', 'healthy', 'stays', {baseline}),
  scenario('baseline, healthy 1 %', 'healthy, both fail 1 %', 'stays', {baseline, primary: 0.01, canary: 0.01}),
  scenario('baseline, incident 20 %', 'both fail 20 % for two minutes', 'stays', {baseline, incidents: incident(0.2)}),
  scenario('baseline, clusters', 'healthy, failures in clusters of five', 'stays', {baseline, cluster: 5}),
  scenario('baseline, fault 5 %', 'canary fails 5 %, primary 0.1 %', 'rollback', {baseline, canary: 0.05}),
  scenario('baseline, harmful', 'harmful: 1 %, odds ratio 3', 'rollback', {baseline, ...harmful}),
  scenario('baseline, cold', 'healthy, fresh pods fail 2 % for two minutes', 'stays', {baseline, cold}),
  scenario('cold', 'the same without a baseline, against the primary', 'stays', {cold}, {}, {beyond: true}),
]
