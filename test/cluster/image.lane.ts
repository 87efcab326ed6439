// The steps of the Dockerfile without an engine: what it copies is built in an empty folder, and what the last stage keeps
// is run as another user, without node_modules, on files that this user can't write.
import {execFileSync} from 'node:child_process'
import {chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {root} from '../../scripts/steps.ts'
import {type Instruction, instructionsOf} from '../scripts/dockerfile.ts'

const instructions = instructionsOf(readFileSync(join(root, 'Dockerfile'), 'utf8'))
const folders = {build: '', app: ''}

function copy(instruction: Instruction, from: string, to: string): void {
  const paths = instruction.text.split(' ').filter(one => !one.startsWith('--'))
  const target = paths.pop() ?? ''
  for (const path of paths) {
    const relative = path.replace('/build/', '')
    const isFolder = relative.endsWith('/')
    cpSync(join(from, relative), isFolder ? join(to, target) : join(to, target, relative), {recursive: true})
  }
}

beforeAll(() => {
  folders.build = mkdtempSync(join(tmpdir(), 'fairlead-image-build-'))
  folders.app = mkdtempSync(join(tmpdir(), 'fairlead-image-app-'))
  const copies = instructions.filter(one => one.keyword === 'COPY')
  for (const one of copies.filter(({text}) => !text.startsWith('--from'))) copy(one, root, folders.build)
  // In the place of `npm ci`: the dependencies that this checkout has, by the same lock file.
  symlinkSync(join(root, 'node_modules'), join(folders.build, 'node_modules'))
  execFileSync(process.execPath, ['scripts/build.ts'], {cwd: folders.build, stdio: 'pipe'})
  for (const one of copies.filter(({text}) => text.startsWith('--from'))) copy(one, folders.build, folders.app)
  execFileSync('chmod', ['-R', 'a+rX,a-w', folders.app])
})

afterAll(() => {
  chmodSync(folders.app, 0o700)
  execFileSync('chmod', ['-R', 'u+w', folders.app])
  for (const folder of Object.values(folders)) rmSync(folder, {recursive: true, force: true})
})

/** The entry point as the image's user where the test may change users, else as its own. */
function run(...args: string[]): string {
  const entry = JSON.parse(instructions.find(one => one.keyword === 'ENTRYPOINT')?.text ?? '[]') as string[]
  const [uid = '', gid = ''] = (instructions.find(one => one.keyword === 'USER')?.text ?? '').split(':')
  const user = ['--reuid', uid, '--regid', gid, '--clear-groups', '--no-new-privs', '--bounding-set', '-all']
  const command = [process.execPath, ...entry.slice(1), ...args]
  const whole = process.getuid?.() === 0 ? ['setpriv', ...user, ...command] : command
  const [program = '', ...rest] = whole
  return execFileSync(program, rest, {cwd: folders.app, env: {PATH: process.env.PATH}, stdio: 'pipe'}).toString()
}

test('the bundle needs nothing beside it', () => {
  expect(instructions).toContainEqual({keyword: 'RUN', text: 'npm run build'})
  expect(existsSync(join(folders.app, 'node_modules'))).toBe(false)
  expect(run('controller', '--help')).toContain('--prometheus')
  expect(() => run('controller', '--prometheus', 'nonsense')).toThrow(/--prometheus: must be an address/)
})
