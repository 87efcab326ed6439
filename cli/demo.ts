// `fairlead demo`: three merges on the embedded playground.
import {type DemoEnvironment, startEnvironment} from '../playground/demo/environment.ts'
import {demoNamespace} from '../playground/demo/manifests.ts'
import {type DemoResult, jsonReport, succeeded, textReport} from '../playground/demo/report.ts'
import {firstVersion, follow, type MeasuredRelease, merges, release, untilStatus} from '../playground/demo/scenario.ts'
import type {DemoVariant} from '../playground/demo/variants.ts'
import {type DemoView, lineView, liveView, silentView} from '../playground/demo/view.ts'

export interface DemoOptions extends DemoVariant {
  json: boolean
  keep: boolean
}

const redrawMilliseconds = 500
const adoptionTimeoutMilliseconds = 60_000

/** Runs the demo; the exit status: 0 only if every release ended as expected and nothing was dropped. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const startedAt = Date.now()
  const view = options.json ? silentView() : process.stdout.isTTY ? liveView(process.stdout) : lineView(process.stdout)
  view.step('Starting the playground: API emulator, workloads, mesh proxy, metrics, Git, and the controller')
  const environment = await startEnvironment(firstVersion, options)
  const stop = () => {
    void environment.close().then(() => process.exit(130))
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    const result = await releases(environment, view, startedAt)
    process.stdout.write(options.json ? `${JSON.stringify(jsonReport(result), undefined, 2)}\n` : textReport(result))
    if (options.keep) await keep(environment)
    return succeeded(result, merges.length) ? 0 : 1
  } catch (error) {
    process.stderr.write(`The demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
    if (options.keep) await keep(environment)
    return 1
  } finally {
    await environment.close()
  }
}

async function releases(environment: DemoEnvironment, view: DemoView, startedAt: number): Promise<DemoResult> {
  const unfollow = follow(environment, view)
  view.step(`Version ${firstVersion.version} is in Git; the GitSync applies it and the Rollout adopts it`)
  await untilStatus(environment, 'adoption', status => status.phase === 'Healthy', adoptionTimeoutMilliseconds)
  const traffic = environment.traffic()
  const redraw = setInterval(() => view.tick(traffic.count()), redrawMilliseconds)
  const done: MeasuredRelease[] = []
  try {
    for (const merge of merges) {
      view.step(
        `Merge: ${merge.subject}${merge.version.failureShare > 0 ? ` (it fails ${merge.version.failureShare * 100} % of its requests)` : ''}`,
      )
      done.push(await release(environment, traffic, merge))
    }
  } finally {
    clearInterval(redraw)
    await traffic.stop()
    unfollow()
    view.close()
  }
  const {dropped, reasons} = traffic.count()
  return {
    releases: done,
    droppedByFairlead: dropped,
    reasons,
    peakMebibytes: environment.controller.peakMebibytes(),
    seconds: (Date.now() - startedAt) / 1000,
  }
}

/** Leaves everything running, traffic included, until Ctrl-C, and says how to use it. */
async function keep(environment: DemoEnvironment): Promise<void> {
  // Without traffic there is no data, and without data nothing is promoted.
  environment.traffic()
  process.stdout.write(`Everything is still running. Ctrl-C ends it.

  kubeconfig   ${environment.kubeconfig}
  repository   ${environment.repository.work} (push to its origin, branch main)
  metrics      ${environment.prometheusUrl}
  proxy        ${environment.proxyUrl}
  log          ${environment.logFile}

Try:
  kubectl --kubeconfig ${environment.kubeconfig} -n ${demoNamespace} get rollouts -w
  kubectl --kubeconfig ${environment.kubeconfig} -n ${demoNamespace} describe rollout checkout
  cd ${environment.repository.work} && perl -pi -e 's/3\\.0\\.1/4.0.0/' deploy/deployment.yaml && git commit -am "checkout 4.0.0" && git push origin main
`)
  await new Promise(() => {})
}
