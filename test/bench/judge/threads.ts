// Measures scenarios on several threads: each takes the next one as soon as it is done, and every run has a seed of its
// own, so that the figures don't depend on who drew them.
import {Worker} from 'node:worker_threads'
import type {Figures} from './measure.ts'
import type {Scenario} from './scenarios/scenario.ts'

/** The figures in the order of the scenarios; `told` hears of each that is done. */
export async function measureAll(
  scenarios: readonly Scenario[],
  runs: number,
  threads: number,
  told: (scenario: string, done: number) => void,
): Promise<Figures[]> {
  const waiting = scenarios.map(({id}) => id)
  const found: Figures[] = []
  let done = 0
  const thread = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), {workerData: {runs}})
      const next = () => {
        const id = waiting.shift()
        if (id === undefined) return void worker.terminate().then(() => resolve(), reject)
        worker.postMessage(id)
      }
      worker.on('message', (figures: Figures[]) => {
        found.push(...figures)
        done++
        told(figures[0]?.scenario ?? '', done)
        next()
      })
      worker.on('error', reject)
      next()
    })
  await Promise.all(Array.from({length: Math.max(1, threads)}, thread))
  const order = new Map(scenarios.map(({id}, index) => [id, index]))
  return found.toSorted((left, right) => (order.get(left.scenario) ?? 0) - (order.get(right.scenario) ?? 0))
}
