// A release on the model cluster, beside Istio's own objects, judged by the controller's own evaluator.
import {decide} from '../../../controller/core/decide.ts'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import type {Metrics} from '../../../controller/ports.ts'
import type {RolloutStatus} from '../../../crds/rollout-status.ts'
import {carriedOut} from '../../simulation/driver.ts'
import {ModelCluster} from '../../simulation/model-cluster.ts'
import {settings as usual} from '../../simulation/usual-settings.ts'
import {start} from './callers.ts'
import {type Judge, sharedEvaluator} from './judged-release.ts'

const settings = {...usual, mesh: 'istio' as const}
const passMilliseconds = 1000

export class WholeRelease {
  readonly cluster: ModelCluster
  readonly #metrics: Metrics
  #judge: Judge

  constructor(metrics: Metrics, spec: object) {
    this.#metrics = metrics
    this.#judge = sharedEvaluator(metrics)
    this.cluster = new ModelCluster({...settings, spec}, () => 'noData')
  }

  get status(): RolloutStatus {
    return this.cluster.status
  }

  /** Seconds since the start of the callers. */
  get seconds(): number {
    return (this.cluster.now - start) / 1000
  }

  /** The controller is killed: only the status is left. */
  kill(): void {
    this.#judge = sharedEvaluator(this.#metrics)
  }

  /** One pass, and a second goes by unless there is more to say at once. */
  async pass(): Promise<AnalysisObservation | undefined> {
    const {cluster} = this
    const {analysis: _model, ...observation} = cluster.observe()
    const {spec, mesh, meshContext, now} = observation
    const rollout = {...cluster.rollout, status: cluster.status}
    const judged = {rollout, spec, mesh, meshContext, now}
    const [analysis, interval] = await Promise.all([this.#judge.evaluate(judged), this.#judge.interval(judged)])
    const more = {...(analysis ? {analysis} : {}), ...(interval === undefined ? {} : {interval})}
    carriedOut(cluster, decide({...observation, ...more}))
    if (!analysis || analysis.again > now) cluster.advance(passMilliseconds)
    return analysis
  }

  /** Passes until a condition holds. @throws Error after so many seconds */
  async until(holds: () => boolean, seconds = 600): Promise<void> {
    const end = this.cluster.now + 1000 * seconds
    while (!holds()) {
      if (this.cluster.now >= end) throw new Error(`${this.status.phase}: ${this.status.message}`)
      await this.pass()
    }
  }

  edit(spec: object): void {
    const {rollout} = this.cluster
    this.cluster.rollout = {...rollout, spec: {...rollout.spec, ...spec}}
  }

  /** Somebody else changes the route, as Istio's own tools would. */
  drift(): void {
    const route = this.cluster.find('VirtualService', 'checkout')
    if (!route) throw new Error('no route')
    this.cluster.put({...route, spec: {...route.spec, http: []}})
  }
}
