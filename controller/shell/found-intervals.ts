// Finds the interval of a release whose spec names none, from how often its counters are scraped. Asked once, while the
// canary's pods start; what is found stands in the status from then on.
import {chosenInterval} from '../../analysis/grid.ts'
import {modelOf} from '../core/state.ts'
import type {Clock} from '../ports.ts'
import type {CounterReader} from './counter-reader.ts'
import type {EvaluationInput} from './evaluate.ts'
import {familiesOf} from './grid-reader.ts'
import {within} from './within.ts'

/** How long a pass waits for the answer. */
const patienceMilliseconds = 1000
/** After this time without an answer it is asked again. */
const againMilliseconds = 10_000
/** Releases that are remembered; the oldest beyond are asked for anew. */
const maximumFound = 5000

interface Found {
  release: string
  askedAt: number
  intervalMilliseconds?: number
}

export class FoundIntervals {
  readonly #counters: CounterReader
  readonly #clock: Clock
  /** Of releases whose canary is prepared, by uid of the Rollout. */
  readonly #found = new Map<string, Found>()

  constructor(counters: CounterReader, clock: Clock) {
    this.#counters = counters
    this.#clock = clock
  }

  forget(uid: string): void {
    this.#found.delete(uid)
  }

  /** The interval in milliseconds; undefined where none is to be found, or there is no answer yet. */
  async of(input: EvaluationInput): Promise<number | undefined> {
    const {rollout, spec, now} = input
    const uid = rollout.metadata.uid ?? ''
    const state = modelOf(rollout.status ?? {})?.state
    if (state?.phase !== 'Preparing' || spec.analysis.interval !== undefined || spec.analysis.checks.length === 0) {
      this.forget(uid)
      return undefined
    }
    const {id} = state.release
    const before = this.#found.get(uid)
    if (before?.release === id && (before.intervalMilliseconds ?? before.askedAt + againMilliseconds > now)) {
      return before.intervalMilliseconds
    }
    const found: Found = {release: id, askedAt: now}
    const [oldest] = this.#found.keys()
    if (oldest !== undefined && this.#found.size >= maximumFound) this.#found.delete(oldest)
    this.#found.set(uid, found)
    // What is wrong with the metrics is said by whoever reads the counters.
    const asked = this.#scrapes(input)
      .catch(() => 0)
      .then(scrapes => {
        if (scrapes > 0) found.intervalMilliseconds = chosenInterval(scrapes)
      })
    await within(this.#clock, patienceMilliseconds, asked)
    return found.intervalMilliseconds
  }

  /** Scrapes of the counters of requests of the side that is scraped more often; 0 where there were none, or no answer. */
  async #scrapes({rollout, mesh, meshContext, now}: EvaluationInput): Promise<number> {
    const reader = {uid: rollout.metadata.uid ?? '', mesh, context: meshContext}
    const families = familiesOf(reader, false)
    const answers = await Promise.all(families.map(family => this.#counters.scrapes(reader, family, now)))
    return Math.max(0, ...answers.map(answer => (typeof answer === 'number' ? answer : 0)))
  }
}
