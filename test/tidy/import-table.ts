// Who may import whom, as data (docs/ARCHITECTURE.md has it as prose), and which packages a room may use.
import {type Import, isTest, isTestSupport, type SourceModule, type Violation} from './source-module.ts'

interface Room {
  /** Path prefix; the longest one that fits a file is its room. `mesh/<name>/` stands for each mesh, a room of its own. */
  folder: string
  /** Rooms beside itself that it may import, as their `folder`. */
  rooms: readonly string[]
  /** Rooms of which it may import types alone. */
  types?: readonly string[]
  /** Packages, and modules of Node. `node:` allows every module of Node. */
  packages: readonly string[]
}

const anyRoom = '*'

const rooms: readonly Room[] = [
  {folder: 'crds/', rooms: [], packages: ['zod']},
  {folder: 'analysis/', rooms: ['crds/'], packages: []},
  {
    folder: 'analysis/providers/',
    rooms: ['crds/', 'analysis/', 'controller/ports.ts'],
    packages: ['zod', 'undici', 'aws4fetch'],
  },
  {folder: 'mesh/types.ts', rooms: ['crds/'], packages: []},
  {folder: 'mesh/<name>/', rooms: ['crds/', 'mesh/types.ts', 'mesh/shared/'], packages: []},
  {folder: 'mesh/shared/', rooms: ['crds/', 'mesh/types.ts'], packages: []},
  {folder: 'mesh/registry.ts', rooms: ['crds/', 'mesh/types.ts', 'mesh/<name>/'], packages: []},
  {folder: 'gitops/', rooms: ['crds/', 'controller/ports.ts'], packages: ['node:', 'simple-git', 'yaml', 'zod']},
  {folder: 'controller/ports.ts', rooms: ['crds/'], packages: []},
  {
    folder: 'controller/core/',
    rooms: ['crds/', 'analysis/'],
    types: ['mesh/types.ts', 'controller/ports.ts'],
    packages: ['node:crypto'],
  },
  {
    folder: 'controller/shell/',
    rooms: [
      'crds/',
      'analysis/',
      'analysis/providers/',
      'mesh/types.ts',
      'mesh/registry.ts',
      'gitops/',
      'controller/ports.ts',
      'controller/core/',
    ],
    packages: ['node:', '@kubernetes/client-node', 'pino', 'prom-client', 'undici', 'yaml', 'zod'],
  },
  {
    folder: 'playground/',
    rooms: ['crds/', 'controller/ports.ts', 'controller/shell/'],
    packages: [
      'node:',
      '@lezer/common',
      '@prometheus-io/lezer-promql',
      'fast-json-patch',
      'simple-git',
      'undici',
      'yaml',
      'zod',
    ],
  },
  {folder: 'cli/', rooms: [anyRoom], packages: ['node:', 'commander', 'yaml', 'zod']},
  {
    folder: 'scripts/',
    rooms: ['crds/', 'mesh/types.ts', 'mesh/registry.ts'],
    packages: ['node:', 'rolldown', 'vitest', 'vitest/node', 'yaml', 'zod'],
  },
  {
    folder: 'test/',
    rooms: [anyRoom],
    packages: ['node:', '@prometheus-io/lezer-promql', 'oxc-parser', 'undici', 'vitest/node', 'yaml', 'zod'],
  },
  {folder: 'vitest', rooms: ['scripts/'], packages: ['vitest/config']},
]

/** What tests beside the code may use as well. */
const testPackages = ['node:', 'vitest', 'fast-check', 'nock', 'undici', 'yaml']

/** Room of a file, and the folder that tells it from its siblings. */
function roomOf(path: string): {room: Room; folder: string} | undefined {
  const mesh = /^mesh\/[^/]+\//.exec(path)?.[0]
  let best: {room: Room; folder: string} | undefined
  for (const room of rooms) {
    const folder = room.folder === 'mesh/<name>/' ? mesh : room.folder
    if (folder !== undefined && path.startsWith(folder) && folder.length >= (best?.folder.length ?? 0))
      best = {room, folder}
  }
  return best
}

export function importViolations(modules: readonly SourceModule[]): Violation[] {
  return modules.flatMap(({path, imports}) => {
    const home = roomOf(path)
    if (home === undefined)
      return [{path, line: 1, message: 'lies in no room of the import table (test/tidy/import-table.ts)'}]
    return imports
      .filter(one => !(one.local ? mayImport(path, one) : mayUse(path, home.room, one.target)))
      .map(({target, line}) => ({path, line, message: `${home.folder} may not import ${target}`}))
  })
}

function mayImport(path: string, {target, typesOnly}: Import): boolean {
  if (isTest(target) || (isTestSupport(target) && !isTestSupport(path))) return false
  const from = roomOf(path)
  const to = roomOf(target)
  if (from === undefined || to === undefined) return false
  if (from.folder === to.folder || from.room.rooms.includes(anyRoom)) return true
  return from.room.rooms.includes(to.room.folder) || (typesOnly && from.room.types?.includes(to.room.folder) === true)
}

function mayUse(path: string, room: Room, specifier: string): boolean {
  const allowed = [...room.packages, ...(isTestSupport(path) ? testPackages : [])]
  return allowed.some(one => (one === 'node:' ? specifier.startsWith('node:') : specifier === one))
}
