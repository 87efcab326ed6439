// A program of this folder in namespaces of its own (network, mounts, processes), and what it reported.
import {spawn} from 'node:child_process'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const script = fileURLToPath(new URL('own-namespaces.sh', import.meta.url))
/** How much of the program's error output goes into an error message. */
const tailCharacters = 4000

/**
 * Runs a TypeScript file with Node and resolves to the JSON that it printed. When this process goes, so does everything
 * that the program started: its standard input ends, and with the program its namespaces.
 * @throws Error with the end of its error output when it failed, took too long or may not make namespaces (that takes root)
 */
export async function runInNamespaces<Report>(file: string, timeoutMilliseconds: number): Promise<Report> {
  const root = mkdtempSync(join(tmpdir(), 'fairlead-namespaces-'))
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child']
  const child = spawn('unshare', [...namespaces, 'bash', script, root, process.execPath, file], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let [out, problem] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    problem = (problem + chunk).slice(-tailCharacters)
  })
  const timer = setTimeout(() => {
    problem += `\nended after ${timeoutMilliseconds} ms`
    child.kill('SIGKILL')
  }, timeoutMilliseconds)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (code !== 0) throw new Error(`the run in namespaces of its own ended with ${code}:\n${problem.trim()}`)
    return JSON.parse(out) as Report
  } finally {
    clearTimeout(timer)
    rmSync(root, {recursive: true, force: true})
  }
}
