// Fetches pages of metrics at a fixed interval. What a page no longer holds, and everything of a page that can't be
// fetched, is marked stale, as Prometheus does it.
import {parseScrape} from './scrape-text.ts'
import {keyOf, type Labels, type MetricStore} from './store.ts'

export interface ScrapeTarget {
  url: string
  /** Added to every series of the page. */
  labels: Labels
}

export interface ScraperOptions {
  store: MetricStore
  targets: ScrapeTarget[]
  intervalMilliseconds: number
  now?: () => number
}

export interface Scraper {
  close(): Promise<void>
}

const maximumPageBytes = 16 * 1024 * 1024

/** One target's pages, in turn. */
class Target {
  readonly #store: MetricStore
  readonly #labels: Labels
  #seen = new Map<string, Labels>()

  constructor(store: MetricStore, labels: Labels) {
    this.#store = store
    this.#labels = labels
  }

  /** Takes one page, or a failed fetch where `text` is undefined. @throws Error for a page that isn't in the format */
  take(text: string | undefined, at: number): void {
    const samples = text === undefined ? [] : parseScrape(text)
    const now = new Map<string, Labels>()
    for (const {labels, value} of samples) {
      const full = {...labels, ...this.#labels}
      now.set(keyOf(full), full)
      this.#store.add(full, {at, value})
    }
    for (const [key, labels] of this.#seen) if (!now.has(key)) this.#store.add(labels, {at, value: 'stale'})
    this.#seen = now
    this.#store.add({__name__: 'up', ...this.#labels}, {at, value: text === undefined ? 0 : 1})
  }
}

/** One target whose pages somebody else fetches. */
export function createTarget(store: MetricStore, labels: Labels): Target {
  return new Target(store, labels)
}

export function startScraper(options: ScraperOptions): Scraper {
  const {store, intervalMilliseconds, now = Date.now} = options
  const targets = options.targets.map(({url, labels}) => ({url, target: createTarget(store, labels)}))
  let closed = false
  let running: Promise<void> = Promise.resolve()
  const scrape = async (): Promise<void> => {
    await Promise.all(
      targets.map(async ({url, target}) => {
        const text = await fetchPage(url, intervalMilliseconds)
        if (!closed) take(target, text, now())
      }),
    )
  }
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    running = scrape().finally(() => {
      busy = false
    })
  }, intervalMilliseconds)
  return {
    async close() {
      closed = true
      clearInterval(timer)
      await running
    },
  }
}

/** A page that isn't in the format counts as a failed scrape. */
function take(target: Target, text: string | undefined, at: number): void {
  try {
    target.take(text, at)
  } catch {
    target.take(undefined, at)
  }
}

async function fetchPage(url: string, timeoutMilliseconds: number): Promise<string | undefined> {
  try {
    const response = await fetch(url, {signal: AbortSignal.timeout(timeoutMilliseconds)})
    const text = await response.text()
    return response.ok && text.length <= maximumPageBytes ? text : undefined
  } catch {
    return undefined
  }
}
