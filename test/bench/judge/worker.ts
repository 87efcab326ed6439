// One of the threads that measure scenarios.
import {parentPort, workerData} from 'node:worker_threads'
import {measure} from './measure.ts'
import {scenarios} from './scenarios.ts'

const {runs, names} = workerData as {runs: number; names: string[]}

for (const id of names) {
  const scenario = scenarios.find(one => one.id === id)
  if (scenario) parentPort?.postMessage(measure(scenario, runs))
}
