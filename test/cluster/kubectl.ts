// What a user types.
import {spawn} from 'node:child_process'

export interface Kubectl {
  /** Runs kubectl and returns what it printed. @throws Error with its error output when it fails */
  (...args: string[]): Promise<string>
  /** The same with a manifest, or several, on standard input; objects are sent as JSON. */
  stdin(input: string | object | readonly object[], ...args: string[]): Promise<string>
}

/** kubectl as one user, in one namespace where given. */
export function kubectlFor(kubeconfig: string, namespace?: string): Kubectl {
  const fixed = ['--kubeconfig', kubeconfig, ...(namespace ? ['--namespace', namespace] : [])]
  const run = (args: readonly string[], input: string) =>
    new Promise<string>((resolve, reject) => {
      const child = spawn('kubectl', [...fixed, ...args], {stdio: ['pipe', 'pipe', 'pipe']})
      let [out, problem] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        out += chunk
      })
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        problem += chunk
      })
      child.once('error', reject)
      child.once('close', code => {
        if (code === 0) resolve(out)
        else reject(new Error(`kubectl ${args.join(' ')}: ${problem.trim() || `exit status ${code}`}`))
      })
      child.stdin.end(input)
    })
  const kubectl = (...args: string[]) => run(args, '')
  return Object.assign(kubectl, {
    stdin(input: string | object | readonly object[], ...args: string[]) {
      const items = Array.isArray(input) ? {apiVersion: 'v1', kind: 'List', items: input} : input
      return run(args, typeof items === 'string' ? items : JSON.stringify(items))
    },
  })
}
