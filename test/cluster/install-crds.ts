// The CRDs that the lanes use: ours from the repository, other projects' from their Go modules.
import {execFileSync} from 'node:child_process'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {moduleFolder} from './parts.ts'

const ours = fileURLToPath(new URL('../../crds/generated', import.meta.url))
const linkerd = fileURLToPath(new URL('linkerd-crds.yaml', import.meta.url))

/** Files and folders with the CRDs of Istio, Gateway API and Linkerd. */
export function otherCrdPaths(): string[] {
  return [
    join(moduleFolder('crds', 'istio.io/api'), 'kubernetes', 'customresourcedefinitions.gen.yaml'),
    join(moduleFolder('crds', 'sigs.k8s.io/gateway-api'), 'config', 'crd', 'standard'),
    linkerd,
  ]
}

export function installCrds(kubeconfig: string, paths: readonly string[] = [ours, ...otherCrdPaths()]): void {
  const files = paths.flatMap(path => ['-f', path])
  // Server-side: the larger ones don't fit into the annotation of a client-side apply.
  execFileSync('kubectl', ['--kubeconfig', kubeconfig, 'apply', '--server-side', ...files], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const established = ['wait', 'crd', '--all', '--for=condition=Established', '--timeout=60s']
  execFileSync('kubectl', ['--kubeconfig', kubeconfig, ...established], {stdio: ['ignore', 'ignore', 'pipe']})
}
