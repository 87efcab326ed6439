// The CRDs that the lanes use: ours from the repository, other projects' from their Go modules.
import {execFileSync} from 'node:child_process'
import {cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {basename, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {kubernetesVersion} from './chart.ts'
import {cacheFolder, moduleFolder, part} from './parts.ts'

const ours = fileURLToPath(new URL('../../crds/generated', import.meta.url))
const inGatewayApi = ['config', 'crd', 'standard']

/** Files and folders with the CRDs of Istio, Gateway API and Linkerd. */
export function otherCrdPaths(): string[] {
  return [
    join(moduleFolder('crds', 'istio.io/api'), 'kubernetes', 'customresourcedefinitions.gen.yaml'),
    join(moduleFolder('crds', 'sigs.k8s.io/gateway-api'), ...inGatewayApi),
    linkerdCrds(),
  ]
}

/** The same for a cluster as Linkerd wants it: with the newest Gateway API that it understands. */
export function linkerdCrdPaths(): string[] {
  return [join(moduleFolder('linkerd', 'sigs.k8s.io/gateway-api'), ...inGatewayApi), linkerdCrds()]
}

/** Linkerd publishes its CRDs in a Helm chart alone, with a chart beside it that it needs: rendered once, and kept. */
function linkerdCrds(): string {
  const module = moduleFolder('linkerd', 'github.com/linkerd/linkerd2')
  const file = join(cacheFolder('linkerd-crds'), `${basename(module)}.yaml`)
  if (existsSync(file)) return file
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-linkerd-'))
  try {
    cpSync(join(module, 'charts', 'linkerd-crds'), folder, {recursive: true, mode: 0})
    // Files of Go modules may not be written to, nor may their folders.
    execFileSync('chmod', ['-R', 'u+w', folder])
    mkdirSync(join(folder, 'charts'), {recursive: true})
    cpSync(join(module, 'charts', 'partials'), join(folder, 'charts', 'partials'), {recursive: true})
    const args = ['template', 'linkerd-crds', folder, ...kubernetesVersion]
    const rendered = execFileSync(part('helm'), args, {stdio: ['ignore', 'pipe', 'pipe']})
    // Lanes run beside one another: nobody may read half of it.
    const unfinished = `${file}.${process.pid}`
    writeFileSync(unfinished, rendered)
    renameSync(unfinished, file)
    return file
  } finally {
    execFileSync('chmod', ['-R', 'u+w', folder])
    rmSync(folder, {recursive: true, force: true})
  }
}

export function installCrds(kubeconfig: string, paths: readonly string[] = [ours, ...otherCrdPaths()]): void {
  const files = paths.flatMap(path => ['-f', path])
  // Server-side: the larger ones don't fit into the annotation of a client-side apply.
  execFileSync('kubectl', ['--kubeconfig', kubeconfig, 'apply', '--server-side', ...files], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const established = ['wait', 'crd', '--all', '--for=condition=Established', '--timeout=150s']
  execFileSync('kubectl', ['--kubeconfig', kubeconfig, ...established], {stdio: ['ignore', 'ignore', 'pipe']})
}
