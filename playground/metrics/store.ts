// Series in memory: bounded, with staleness markers as Prometheus keeps them. Times are milliseconds since the epoch.

/** Labels of a series, `__name__` included. */
export type Labels = Record<string, string>

export interface Sample {
  at: number
  /** A stale marker says that the series ended here. */
  value: number | 'stale'
}

export interface Series {
  labels: Labels
  samples: Sample[]
}

/** One condition on a label; a label that is absent counts as empty. */
export interface Matcher {
  label: string
  operator: '=' | '!=' | '=~' | '!~'
  value: string
  /** Compiled and anchored, for the two regular-expression operators. */
  pattern?: RegExp
}

const defaultRetentionMilliseconds = 60 * 60_000
const maximumSeries = 20_000
const maximumSamplesPerSeries = 20_000

export class MetricStore {
  readonly #retentionMilliseconds: number
  readonly #byKey = new Map<string, Series>()
  readonly #byName = new Map<string, Set<Series>>()

  constructor(retentionMilliseconds = defaultRetentionMilliseconds) {
    this.#retentionMilliseconds = retentionMilliseconds
  }

  /** Adds a sample; one that is not later than the last of its series is dropped. @returns whether it was taken */
  add(labels: Labels, sample: Sample): boolean {
    const key = keyOf(labels)
    let series = this.#byKey.get(key)
    if (!series) {
      if (this.#byKey.size >= maximumSeries || sample.value === 'stale') return false
      // A label without a value is no label.
      series = {labels: Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== '')), samples: []}
      this.#byKey.set(key, series)
      const name = labels.__name__ ?? ''
      const named = this.#byName.get(name)
      if (named) named.add(series)
      else this.#byName.set(name, new Set([series]))
    }
    const {samples} = series
    if (sample.at <= (samples.at(-1)?.at ?? Number.NEGATIVE_INFINITY)) return false
    samples.push(sample)
    const retention = this.#retentionMilliseconds
    const oldest = sample.at - retention
    if (samples.length > maximumSamplesPerSeries || (samples[0]?.at ?? 0) < oldest - retention / 10) {
      const keep = samples.filter(one => one.at >= oldest).slice(-maximumSamplesPerSeries)
      series.samples = keep
    }
    return true
  }

  /** Every series that all matchers accept. */
  select(matchers: readonly Matcher[]): Series[] {
    const name = matchers.find(one => one.label === '__name__' && one.operator === '=')
    const candidates = name ? (this.#byName.get(name.value) ?? []) : this.#byKey.values()
    return [...candidates].filter(series => matchers.every(matcher => accepts(matcher, series.labels)))
  }

  all(): Series[] {
    return [...this.#byKey.values()]
  }
}

/** The identity of a label set: sorted, empty labels left out. */
export function keyOf(labels: Labels): string {
  return JSON.stringify(
    Object.entries(labels)
      .filter(([, value]) => value !== '')
      .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)),
  )
}

/** Whether a series of these labels is one that the matcher asks for; a label that is missing is an empty one. */
export function accepts(matcher: Matcher, labels: Labels): boolean {
  const value = labels[matcher.label] ?? ''
  switch (matcher.operator) {
    case '=':
      return value === matcher.value
    case '!=':
      return value !== matcher.value
    case '=~':
      return matcher.pattern?.test(value) === true
    case '!~':
      return matcher.pattern?.test(value) === false
    default:
      return matcher.operator satisfies never
  }
}
