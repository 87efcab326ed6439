// The first thing that `npm test` and `npm run demo` do: bring the dependencies up to date, then run the given
// command on the Node 24 that `npm ci` put into node_modules/.bin. Plain JavaScript, for any Node from 20 on.
import {spawn, spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {delimiter, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const binaries = join(modules, '.bin')
const stamp = join(modules, '.fairlead-lock')

const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
if (installed !== wanted || !existsSync(join(binaries, 'node'))) {
  process.stderr.write('Installing dependencies (npm ci) ...\n')
  const result = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  })
  if (result.status !== 0) {
    process.stderr.write('npm ci failed: see its messages above; no file of yours was changed.\n')
    process.exit(result.status ?? 1)
  }
  writeFileSync(stamp, wanted)
}

const env = {...process.env, PATH: binaries + delimiter + (process.env.PATH ?? '')}
let child
// A child shares the terminal's process group, so Ctrl-C reaches it by itself; a signal sent to us alone is passed on.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child?.kill(signal))
process.on('SIGINT', () => {})

/** Runs one command to its end; its exit status. */
function run([command, ...args]) {
  return new Promise(resolve => {
    child = spawn(join(binaries, command), args, {cwd: root, stdio: 'inherit', env})
    child.on('error', error => {
      process.stderr.write(`cannot run ${command}: ${error.message}\n`)
      resolve(1)
    })
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}

const commands = [[]]
for (const argument of process.argv.slice(2)) {
  if (argument === '--then') commands.push([])
  else commands.at(-1).push(argument)
}
let status = 0
for (const command of commands) {
  status = await run(command)
  if (status !== 0) break
}
process.exit(status)
