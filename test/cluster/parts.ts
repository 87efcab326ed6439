// The real parts of the cluster lane: found in KUBEBUILDER_ASSETS or on PATH, else built through the Go module proxy into
// a cache outside the clone. `node test/cluster/parts.ts` builds all of them ahead of time.
import {spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync} from 'node:fs'
import {homedir} from 'node:os'
import {delimiter, join} from 'node:path'
import {fileURLToPath} from 'node:url'

interface Part {
  /** Folder of the Go module under `parts/`. */
  module: string
  /** Package to build, as `go build` names it. */
  package: string
}

const kubernetes = (name: string): Part => ({module: 'control-plane', package: `k8s.io/kubernetes/cmd/${name}`})

const parts = {
  etcd: {module: 'control-plane', package: './etcd'},
  'kube-apiserver': kubernetes('kube-apiserver'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  'kube-scheduler': kubernetes('kube-scheduler'),
  'kube-proxy': kubernetes('kube-proxy'),
  kwok: {module: 'kwok', package: 'sigs.k8s.io/kwok/cmd/kwok'},
  helm: {module: 'helm', package: 'helm.sh/helm/v3/cmd/helm'},
  'envoy-gateway': {module: 'envoy-gateway', package: 'github.com/envoyproxy/gateway/cmd/envoy-gateway'},
  'pilot-discovery': {module: 'istio', package: 'istio.io/istio/pilot/cmd/pilot-discovery'},
} as const satisfies Record<string, Part>

export type PartName = keyof typeof parts

const modulesFolder = fileURLToPath(new URL('parts/', import.meta.url))

/** Path of a real part's binary. @throws Error when it is neither installed nor can be built */
export function part(name: PartName): string {
  return installed(name) ?? built(name)
}

function installed(name: PartName): string | undefined {
  const assets = process.env.KUBEBUILDER_ASSETS
  const folders = [...(assets ? [assets] : []), ...(process.env.PATH ?? '').split(delimiter)]
  return folders.map(folder => join(folder, name)).find(executable)
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function built(name: PartName): string {
  const {module, package: target} = parts[name]
  const folder = join(modulesFolder, module)
  const flags = ['-trimpath', '-ldflags', linkerFlags(module)]
  const inputs = [...sources(folder), ...flags].join('\n')
  const key = createHash('sha256').update(inputs).digest('hex').slice(0, 16)
  const binary = join(cacheFolder(`${module}-${key}`), name)
  if (existsSync(binary)) return binary
  process.stderr.write(`building ${name} from ${target} (once; kept in the user's cache folder)\n`)
  // Built beside its place and moved there, so that a build that was cut off leaves nothing that looks whole.
  const unfinished = `${binary}.${process.pid}`
  const result = spawnSync('go', ['build', ...flags, '-o', unfinished, target], {
    cwd: folder,
    env: {...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false'},
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (result.error) throw new Error(`${name} is not installed and Go can't be run to build it: ${result.error.message}`)
  if (result.status !== 0) throw new Error(`go build of ${target} ended with status ${result.status}`)
  renameSync(unfinished, binary)
  return binary
}

/** A folder of the user's cache, made if it isn't there. */
export function cacheFolder(name: string): string {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairlead', 'parts', name)
  mkdirSync(folder, {recursive: true})
  return folder
}

/** The module's own files: what is built is a function of them. */
function sources(folder: string): string[] {
  return readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .filter(path => /\.(go|mod|sum)$/.test(path))
    .sort()
    .map(path => readFileSync(join(folder, path), 'utf8'))
}

/** Kubernetes reports the version that the linker gave it; the module's requirement is the only place that names it. */
function linkerFlags(module: string): string {
  if (module !== 'control-plane') return '-s -w'
  const version = /^\s*k8s\.io\/kubernetes v(\d+)\.(\d+)\.(\d+)/m.exec(
    readFileSync(join(modulesFolder, module, 'go.mod'), 'utf8'),
  )
  if (!version) throw new Error('parts/control-plane/go.mod names no version of k8s.io/kubernetes')
  const [, major, minor, patch] = version
  const set = (name: string, value: string) => `-X k8s.io/component-base/version.${name}=${value}`
  return `-s -w ${set('gitVersion', `v${major}.${minor}.${patch}`)} ${set('gitMajor', `${major}`)} ${set('gitMinor', `${minor}`)}`
}

/**
 * Folder of a Go module that one of the modules under `parts/` requires, downloaded when it isn't there: where CRDs of
 * other projects come from. @throws Error when Go can't be run or the module is not required there
 */
export function moduleFolder(module: string, path: string): string {
  const cwd = join(modulesFolder, module)
  const result = spawnSync('go', ['mod', 'download', '-json', path], {cwd, encoding: 'utf8'})
  if (result.error) throw new Error(`Go is needed for the files of ${path}: ${result.error.message}`)
  const {Dir: folder, Error: problem} = JSON.parse(result.stdout || '{}') as {Dir?: string; Error?: string}
  if (!folder) throw new Error(`go mod download of ${path}: ${problem ?? result.stderr}`)
  return folder
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of Object.keys(parts) as PartName[]) process.stdout.write(`${part(name)}\n`)
}
