// The playground's API emulator as a target of the contract, with the playground's controllers.
import type {KubeObject} from '../../../crds/meta.ts'
import {definitionOf, kinds} from '../../../crds/resources.ts'
import {type ApiServer, meshCrds, startApiServer} from '../../../playground/api/index.ts'
import {seededRandom, startWorkloadRunner} from '../../../playground/workloads/index.ts'
import type {Target} from './bench.ts'

/** The emulator with every CRD, and something that runs Deployments. */
export async function startEmulator(): Promise<{server: ApiServer; close(): Promise<void>}> {
  const server = await startApiServer()
  for (const crd of [...kinds.map(definitionOf), ...meshCrds]) server.store.create(structuredClone(crd) as KubeObject)
  // What happened before is forgotten, as by a server that has run for a while.
  server.store.compact()
  const runner = startWorkloadRunner({
    store: server.store,
    random: seededRandom(1),
    settings: {terminationGraceMilliseconds: 10, drainMilliseconds: 100},
  })
  return {
    server,
    async close() {
      runner.close()
      await server.close()
    },
  }
}

export async function emulatorTarget(): Promise<Target> {
  const {server, close} = await startEmulator()
  const connection = {
    baseUrl: server.url,
    namespace: 'default',
    tls: async () => ({}),
    headers: async () => ({}),
    invalidate() {},
  }
  return {connection, close}
}
