// One of the threads that measure scenarios: it is told one at a time, and answers with its figures.
import {parentPort, workerData} from 'node:worker_threads'
import {Measurement} from './measure.ts'
import {scenarios} from './scenarios.ts'

const measurement = new Measurement((workerData as {runs: number}).runs)

parentPort?.on('message', (id: string) => {
  const scenario = scenarios.find(one => one.id === id)
  parentPort?.postMessage(scenario ? measurement.of(scenario) : [])
})
