// The file of a recorded range: what Prometheus answered, so that the range can be judged again without it.
import {readFileSync, writeFileSync} from 'node:fs'
import {z} from 'zod'
import type {MetricRequest, MetricSeries, Metrics} from '../../controller/ports.ts'

const labels = z.record(z.string(), z.string())

/** JSON has no such numbers. */
const figure = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])
type Figure = z.infer<typeof figure>

const series = z.array(
  z.strictObject({
    labels,
    /** Times in milliseconds. */
    points: z.array(z.tuple([z.number(), figure])),
  }),
)

const recording = z.strictObject({
  fairleadRecording: z.literal(1),
  from: z.number(),
  to: z.number(),
  stepMilliseconds: z.number().positive(),
  /** The counters. */
  series,
  /** Questions about one time, as they were answered. */
  instants: z
    .array(z.strictObject({query: z.string(), at: z.number(), samples: z.array(z.tuple([labels, figure]))}))
    .default([]),
  /** The same questions about every time of the range, for whoever asks at another one. */
  ranges: z.array(z.strictObject({query: z.string(), series})).default([]),
})
export type Recording = z.infer<typeof recording>

/** @throws Error that names the file and what is wrong with it */
export function readRecording(file: string): Recording {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`--file ${file}: ${error instanceof Error ? error.message : 'not readable'}`)
  }
  const parsed = recording.safeParse(content)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`--file ${file}: ${issue?.path.join('.')}: ${issue?.message}: make it with --record`)
}

export function writeRecording(file: string, content: Recording): void {
  writeFileSync(file, `${JSON.stringify(content)}\n`)
}

/** What a question is kept by: those to another metrics system are other questions. */
export function questionOf({query, address}: Pick<MetricRequest, 'query' | 'address'>): string {
  return address === undefined ? query : `${address} ${query}`
}

/** When targets were scraped. */
export function isOfScrapes(query: string): boolean {
  return query.startsWith('min by')
}

/** Who was seen before a time is asked where the counters say so, whatever the margins are: that need not be known of any other. */
export function isOfOneTime(query: string): boolean {
  return query.startsWith('last_over_time(')
}

/** Prometheus gives at most 11,000 points of a series. */
const timesPerAnswer = 5000
const maximumAnswerBytes = 64 << 20

/** Passes questions on, and remembers what was answered. */
export class Recorder implements Metrics {
  readonly #metrics: Metrics
  readonly #range: {from: number; to: number; stepMilliseconds: number}
  /** By labels: points by time. */
  readonly #counters = new Map<string, Map<number, number>>()
  readonly #instants = new Map<string, Recording['instants'][number]>()
  readonly #ranges = new Map<string, Recording['ranges'][number]>()

  /** @param range grid times at which questions about one time may be asked again */
  constructor(metrics: Metrics, range: {from: number; to: number; stepMilliseconds: number}) {
    this.#metrics = metrics
    this.#range = range
  }

  async query(request: MetricRequest): ReturnType<Metrics['query']> {
    const answer = await this.#metrics.query(request)
    if (answer.kind === 'error') return answer
    const query = questionOf(request)
    const samples = answer.samples.map(({labels: own, value}): [Record<string, string>, Figure] => [
      own,
      figureOf(value),
    ])
    this.#instants.set(`${request.at} ${query}`, {query, at: request.at, samples})
    if (!isOfOneTime(request.query) && !this.#ranges.has(query)) await this.#wholeRange(query, request)
    return answer
  }

  async queryRange(request: Parameters<Metrics['queryRange']>[0]): ReturnType<Metrics['queryRange']> {
    const answer = await this.#metrics.queryRange(request)
    if (answer.kind === 'matrix' && isOfScrapes(request.query)) {
      const {query} = request
      const known = this.#ranges.get(query) ?? {query, series: []}
      this.#ranges.set(query, {query, series: [...known.series, ...answer.series.map(pointsOf)]})
    } else if (answer.kind === 'matrix') {
      for (const {labels: own, points} of answer.series) {
        const key = JSON.stringify(own)
        const known = this.#counters.get(key) ?? new Map<number, number>()
        for (const {at, value} of points) known.set(at, value)
        this.#counters.set(key, known)
      }
    }
    return answer
  }

  /** Everything that was answered. */
  recording(): Omit<Recording, 'fairleadRecording' | 'from' | 'to' | 'stepMilliseconds'> {
    return {
      series: [...this.#counters].map(([key, points]) => ({
        labels: JSON.parse(key) as Record<string, string>,
        points: [...points]
          .sort(([left], [right]) => left - right)
          .map(([at, value]): [number, Figure] => [at, figureOf(value)]),
      })),
      instants: [...this.#instants.values()],
      ranges: [...this.#ranges.values()],
    }
  }

  /** A question that can't be asked of a range is known of its own times alone. */
  async #wholeRange(query: string, request: MetricRequest): Promise<void> {
    const found: Recording['ranges'][number] = {query, series: []}
    this.#ranges.set(query, found)
    const {from, to, stepMilliseconds} = this.#range
    const {query: text, address} = request
    for (let start = from; start <= to; start += timesPerAnswer * stepMilliseconds) {
      const end = Math.min(to, start + (timesPerAnswer - 1) * stepMilliseconds)
      const answer = await this.#metrics.queryRange({
        query: text,
        from: start,
        to: end,
        stepMilliseconds,
        maximumBytes: maximumAnswerBytes,
        ...(address === undefined ? {} : {address}),
      })
      if (answer.kind === 'error') return
      found.series.push(...answer.series.map(pointsOf))
    }
  }
}

function pointsOf({labels: own, points}: MetricSeries): Recording['ranges'][number]['series'][number] {
  return {labels: own, points: points.map(({at, value}): [number, Figure] => [at, figureOf(value)])}
}

function figureOf(value: number): Figure {
  return Number.isFinite(value) ? value : (String(value) as 'NaN' | 'Infinity' | '-Infinity')
}
