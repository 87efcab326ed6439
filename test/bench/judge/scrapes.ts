// When counters are scraped. Prometheus spreads its targets over the interval, so a reading at a grid time sees a sample
// that is up to a whole interval old; how old is a matter of chance, and the same for a target as long as it lives.
import type {Conditions} from './conditions.ts'
import type {Chance} from './random.ts'
import type {Counts, Requests, Version} from './requests.ts'

/** What a reading shows of each version, and when that was scraped, seconds. */
export interface Reading {
  counts: Record<Version, Counts>
  scrapedAt: Record<Version, number>
}

export class Scrapes {
  readonly #requests: Requests
  readonly #intervalSeconds: number
  /** Time of one scrape of each version's counters; the others are whole intervals apart. */
  readonly #phases: Record<Version, number>

  constructor(requests: Requests, {scrapeSeconds, skew = 0}: Conditions, pollSeconds: number, chance: Chance) {
    this.#requests = requests
    this.#intervalSeconds = scrapeSeconds ?? pollSeconds
    const primary = chance.uniform() * this.#intervalSeconds
    const canary = skew === 'random' ? chance.uniform() * this.#intervalSeconds : primary - skew
    this.#phases = {primary, canary, baseline: primary}
  }

  /** What a reading at a time shows. */
  read(time: number): Reading {
    const scrapedAt = {
      canary: this.#last('canary', time),
      primary: this.#last('primary', time),
      baseline: this.#last('baseline', time),
    }
    const counts = (version: Version) => this.#requests.upTo(version, scrapedAt[version])
    return {
      scrapedAt,
      counts: {canary: counts('canary'), primary: counts('primary'), baseline: counts('baseline')},
    }
  }

  /** The time of the last scrape at or before a time. */
  #last(version: Version, time: number): number {
    const phase = this.#phases[version]
    return phase + Math.floor((time - phase) / this.#intervalSeconds) * this.#intervalSeconds
  }
}
