// One control plane for all lanes that don't need one of their own, with every CRD that they use.
import type {TestProject} from 'vitest/node'
import {startControlPlane} from './control-plane.ts'
import {installCrds} from './install-crds.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of a kubeconfig of a cluster administrator. */
    kubeconfig: string
    /** Path of the audit log. */
    auditFile: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const plane = await startControlPlane({audit: true})
  installCrds(plane.kubeconfig)
  project.provide('kubeconfig', plane.kubeconfig)
  project.provide('auditFile', plane.auditFile)
  return () => plane.stop()
}
