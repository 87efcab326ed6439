// Random queries of the playground's PromQL subset. They may be wrong, as a person's may: then both have to refuse them.

type Random = () => number

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T
}

const windows = ['20s', '60s', '1m30s', '5m', '10m']
const matchers = [
  '',
  '{slot="a"}',
  '{slot!="a"}',
  '{code=~"5.."}',
  '{code!~"4..|5.."}',
  '{pod="x",slot="b"}',
  '{pod=""}',
]
const names = ['requests_total', 'memory_bytes', 'latency_bucket', 'absent_metric']
/** Of counters alone: 2.42 and 3 differ in how they extrapolate what begins near zero, as a gauge may. */
const counterFunctions = ['rate', 'increase', 'irate']
const gaugeFunctions = [
  ...['delta', 'sum_over_time', 'avg_over_time', 'max_over_time', 'min_over_time', 'count_over_time', 'last_over_time'],
]
const aggregations = ['sum', 'avg', 'min', 'max', 'count']
const groupings = [
  '',
  ' by (slot)',
  ' by (slot, code)',
  ' by (pod)',
  ' without (pod)',
  ' without (slot, code)',
  ' by (le)',
]
const arithmetic = ['+', '-', '*', '/']
/** They turn a difference in the last bit into a large one, so they get whole numbers alone. */
const jumping = ['% 7', '% 2.5', '% -3', '% 0', '^ 2', '^ 0.5', '^ -1', '^ 0', '^ NaN']
const comparisons = ['==', '!=', '>', '<', '>=', '<=']
const sets = ['and', 'or', 'unless']
const matchings = ['', ' on (slot)', ' on (slot, pod)', ' ignoring (code)', ' ignoring (pod)', ' on ()']
const numbers = ['0', '1', '2.5', '100', '-3', '1e3', '0.001']

/** A query whose value is an instant vector, or an error. */
export function randomQuery(random: Random, depth = 3): string {
  const nested = () => randomQuery(random, depth - 1)
  const selector = () => `${pick(random, names)}${pick(random, matchers)}`
  const offset = () => (random() < 0.15 ? ` offset ${pick(random, windows)}` : '')
  const leaves = [
    // The playground refuses an offset between operations without parentheses.
    () => `(${selector()}${offset()})`,
    () => `${pick(random, gaugeFunctions)}(${selector()}[${pick(random, windows)}]${offset()})`,
    () =>
      `${pick(random, counterFunctions)}(latency_bucket${pick(random, matchers)}[${pick(random, windows)}]${offset()})`,
    () => `requests_total${pick(random, matchers)} ${pick(random, jumping)}`,
    () => `rate(requests_total${pick(random, matchers)}[${pick(random, windows)}])`,
  ]
  if (depth === 0 || random() < 0.2) return pick(random, leaves)()
  const branches = [
    () => `${pick(random, aggregations)}${pick(random, groupings)} (${nested()})`,
    () => `${nested()} ${pick(random, arithmetic)} ${pick(random, numbers)}`,
    () => `${pick(random, numbers)} ${pick(random, arithmetic)} ${nested()}`,
    () => `(${nested()}) ${pick(random, arithmetic)}${pick(random, matchings)} (${nested()})`,
    () => `(${nested()}) ${pick(random, comparisons)}${random() < 0.3 ? ' bool' : ''} ${pick(random, numbers)}`,
    () =>
      `(${nested()}) ${pick(random, comparisons)}${random() < 0.3 ? ' bool' : ''}${pick(random, matchings)} (${nested()})`,
    () => `(${nested()}) ${pick(random, sets)}${pick(random, matchings)} (${nested()})`,
    () => `abs(${nested()})`,
    () => `${pick(random, ['ceil', 'floor'])}(${selector()} * 0.3)`,
    () => `${pick(random, ['clamp_min', 'clamp_max'])}(${nested()}, ${pick(random, numbers)})`,
    () => `-(${nested()})`,
    () => `histogram_quantile(${pick(random, ['0.5', '0.9', '0.99', '1', '-1'])}, ${buckets(random)})`,
    () => `scalar(sum(${nested()})) * (${nested()})`,
    () => `(${nested()}) or vector(${pick(random, numbers)})`,
  ]
  return pick(random, branches)()
}

function buckets(random: Random): string {
  const rates = `rate(latency_bucket${pick(random, ['', '{slot="a"}'])}[${pick(random, windows)}])`
  return pick(random, [rates, `sum by (le) (${rates})`, `sum by (le, slot) (${rates})`])
}
