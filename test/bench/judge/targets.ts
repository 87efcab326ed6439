// What the judge is held to, and what was measured.
import type {Figures} from './measure.ts'
import {shareInterval} from './measure.ts'
import type {Measured} from './report.ts'
import {usual} from './scenarios/scenario.ts'
import {scenarios} from './scenarios.ts'
import {figure, share, table} from './text.ts'

interface Target {
  what: string
  /** The largest value, or that it is only to be told. */
  target: string
  measured(measured: Measured, find: (id: string) => Figures): {text: string; met?: boolean}
}

export function targetTable(measured: Measured): string {
  const find = (id: string) => {
    const one = measured.figures.find(({scenario, judge}) => scenario === id && judge === 'fairlead')
    if (!one) throw new Error(`scenario ${id} was not measured`)
    return one
  }
  return table(
    ['target', 'at most', 'measured', 'met'],
    targets.map(target => {
      const {text, met} = target.measured(measured, find)
      return [target.what, target.target, text, met === undefined ? '' : met ? 'yes' : '**no**']
    }),
  )
}

function atMost(
  what: string,
  limit: number,
  pick: (one: Figures) => number | undefined,
  id: string,
  target = String(limit),
): Target {
  return {
    what,
    target,
    measured(_measured, find) {
      const value = pick(find(id))
      return {text: figure(value), met: value !== undefined && value <= limit}
    },
  }
}

/** Told, and held to nothing. */
function told(what: string, pick: (one: Figures) => string, id: string): Target {
  return {what, target: 'to be reported', measured: (_measured, find) => ({text: pick(find(id))})}
}

/** The largest share of false rollbacks among scenarios in which nothing is wrong with the canary alone. */
function worstHealthy(what: string, skewed: boolean): Target {
  return {
    what,
    target: skewed ? 'to be reported' : '1 %',
    measured(_measured, find) {
      const healthy = scenarios.filter(
        ({good, beyond, conditions}) => good === 'stays' && !beyond && (conditions.skew !== undefined) === skewed,
      )
      const all = healthy.map(({id}) => find(id))
      const worst = all.toSorted(
        (left, right) => right.rollbacks / right.runs - left.rollbacks / left.runs,
      )[0] as Figures
      const [, high] = shareInterval(worst.rollbacks, worst.runs)
      const text = `${share(worst.rollbacks, worst.runs)}, of ${all.length} scenarios (${worst.scenario})`
      return skewed ? {text} : {text, met: high <= 0.01}
    },
  }
}

function advances(what: string, id: string): Target {
  return {
    what,
    target: '5 %',
    measured(_measured, find) {
      const {everCleared, runs} = find(id)
      return {text: share(everCleared, runs), met: shareInterval(everCleared, runs)[1] <= 0.05}
    },
  }
}

function cpu(): Target {
  return {
    what: 'CPU of one check and poll, the costliest case below, ms',
    target: '0.2',
    measured({cpu: rows}) {
      const most = Math.max(...rows.map(({milliseconds}) => milliseconds))
      return {text: most.toFixed(3), met: most < 0.2}
    },
  }
}

const canaryRate = usual.rate * usual.weight

const targets: readonly Target[] = [
  worstHealthy('false rollbacks, worst healthy scenario', false),
  worstHealthy('the same with the arms scraped apart', true),
  told(
    'the same, a bake without a holdback in which both versions would have failed 20 %',
    one => share(one.rollbacks, one.runs),
    'bake, alone, incident',
  ),
  told(
    'the same, fresh pods that fail 2 % for two minutes, without a baseline',
    one => share(one.rollbacks, one.runs),
    'cold',
  ),
  atMost('failed requests of a 5 % fault, polls every 15 s', 20, one => one.badMedian, 'fault 5 %'),
  atMost("the same with Istio's settling time", 20, one => one.badMedian, 'fault 5 %, 15 s, Istio'),
  atMost('failed requests of a 5 % fault, polls every 5 s', 10, one => one.badMedian, 'fault 5 %, 5 s'),
  atMost("the same with Istio's settling time", 10, one => one.badMedian, 'fault 5 %, 5 s, Istio'),
  ...[30, 60].flatMap(minute => [
    atMost(
      `seconds until a 5 % fault of minute ${minute} is found (the verdict), median`,
      40,
      one => one.foundMedian,
      `onset ${minute} min, 5 %`,
    ),
    told('the same until the weight has moved', one => figure(one.movedMedian), `onset ${minute} min, 5 %`),
  ]),
  atMost(
    'seconds of requests that a healthy canary with 10 requests/s is compared for until it may end a step, mean',
    75,
    one => (one.clearedRequestsMean === undefined ? undefined : one.clearedRequestsMean / canaryRate),
    'healthy 0.1 %',
  ),
  atMost("the same from the canary's first request to the verdict", 75, one => one.clearedMean, 'healthy 0.1 %'),
  advances('a harmful canary (1 %, odds ratio 3) ever ends a step', 'harmful'),
  advances('the same with failures in clusters of five', 'clusters, harmful'),
  advances('the same against a baseline', 'baseline, harmful'),
  advances('the same beside a check of latency', 'checks, harmful'),
  advances('harmful latency (odds ratio 2) ever ends a step', 'latency, harmful'),
  cpu(),
]
