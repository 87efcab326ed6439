// The kubectls of this machine, and how one is run.
import {spawn} from 'node:child_process'
import {existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'

/** Every kubectl of this machine: the one on PATH, and numbered ones beside it or beside gcloud, oldest first. */
export function kubectls(): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const sdk = ['/usr/lib/google-cloud-sdk/bin', ...folders]
  const numbered = sdk
    .filter(folder => existsSync(folder))
    .flatMap(folder =>
      readdirSync(folder)
        .filter(name => /^kubectl\.1\.\d+$/.test(name))
        .sort((left, right) => left.localeCompare(right, 'en', {numeric: true}))
        .map(name => join(folder, name)),
    )
  const plain = folders.map(folder => join(folder, 'kubectl')).find(file => existsSync(file))
  return [...new Set([...(plain ? [plain] : []), ...numbered])]
}

/** What one run of kubectl came to. */
export interface KubectlResult {
  code: number | null
  output: string
  problem: string
}

/** One kubectl, in one namespace, with files of its own. */
export interface KubectlSession {
  namespace: string
  /** What it printed. @throws Error with its error output when it fails */
  kubectl(...args: string[]): Promise<string>
  /** The same for a run that may fail. */
  run(args: readonly string[], options?: {input?: string; environment?: Record<string, string>}): Promise<KubectlResult>
  /** Writes a file for kubectl to read; an object is written as JSON. Returns its path. */
  file(name: string, content: string | object): string
  close(): void
}

export function openKubectlSession(binary: string, kubeconfig: string, namespace: string): KubectlSession {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-kubectl-'))
  const fixed = ['--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'cache'), '-n', namespace]
  const run: KubectlSession['run'] = (args, {input = '', environment = {}} = {}) =>
    new Promise((resolve, reject) => {
      const env = {...process.env, ...environment}
      const child = spawn(binary, [...fixed, ...args], {stdio: ['pipe', 'pipe', 'pipe'], env})
      let [output, problem] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
      })
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        problem += chunk
      })
      child.once('error', reject)
      child.once('close', code => resolve({code, output, problem}))
      child.stdin.end(input)
    })
  return {
    namespace,
    run,
    async kubectl(...args) {
      const {code, output, problem} = await run(args)
      if (code === 0) return output
      throw new Error(`kubectl ${args.join(' ')}: ${problem.trim() || `exit status ${code}`}`)
    },
    file(name, content) {
      const path = join(folder, name)
      const mode = 0o755
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), {mode})
      return path
    },
    close: () => rmSync(folder, {recursive: true, force: true}),
  }
}
