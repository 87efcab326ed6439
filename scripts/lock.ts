// Completes package-lock.json after a change of dependencies: `npm install --package-lock-only`, then this. A registry
// that doesn't carry the binaries of other platforms makes npm leave them out of the lock file, and `npm ci` then refuses
// it everywhere. They are entered by name and version alone; whoever needs one gets it from a registry that has it.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

interface LockedPackage {
  version?: string
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

const systems = ['android', 'darwin', 'win32', 'freebsd', 'openharmony', 'linux', 'sunos', 'aix', 'netbsd', 'openbsd']
const processors: Record<string, string> = {
  riscv64: 'riscv64',
  s390x: 's390x',
  ppc64: 'ppc64',
  loong64: 'loong64',
  arm64: 'arm64',
  arm: 'arm',
  x64: 'x64',
  ia32: 'ia32',
  wasm32: 'wasm32',
}

/** The platform that a package's name tells, so that no other machine asks for it. */
function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> {
  const parts = name.split(/[/-]/)
  const os = systems.find(system => parts.includes(system))
  const cpu = Object.keys(processors).find(processor => parts.includes(processor))
  const libc = name.includes('musl') ? 'musl' : name.endsWith('gnu') ? 'glibc' : undefined
  return {...(os ? {os: [os]} : {}), cpu: [processors[cpu ?? ''] ?? 'none'], ...(libc ? {libc: [libc]} : {})}
}

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url))
const lock = JSON.parse(readFileSync(file, 'utf8')) as {packages: Record<string, LockedPackage>}
let added = 0
for (const owner of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`
    if (lock.packages[path] || !/^\d/.test(version)) continue
    lock.packages[path] = {version, ...(owner.dev ? {dev: true} : {}), optional: true, ...platformOf(name)}
    added++
  }
}
const sorted = Object.entries(lock.packages).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
writeFileSync(file, `${JSON.stringify({...lock, packages: Object.fromEntries(sorted)}, undefined, 2)}\n`)
process.stdout.write(`${added} packages of other platforms entered\n`)
