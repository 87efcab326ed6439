// The chart installed on a control plane of its own, and the controller as a process with the account and the arguments
// that its Deployment has: kwok's pods run nothing.

import {chart, controllerFlags, helm, release, releaseNamespace, renderChart, valuesFlags} from './chart.ts'
import type {ControlPlane} from './control-plane.ts'
import {type Controller, startController} from './controller.ts'
import {kubectlFor} from './kubectl.ts'

const waitSeconds = 150

/** `helm install` or `helm upgrade` with values beside those that every installation has to say. */
export function installChart(plane: ControlPlane, action: 'install' | 'upgrade', values: object = {}): Promise<string> {
  const where = ['--namespace', releaseNamespace, '--create-namespace', '--kubeconfig', plane.kubeconfig]
  return helm(action, release, chart, ...where, '--wait', '--timeout', `${waitSeconds}s`, ...valuesFlags(values))
}

/** Writes a kubeconfig with a token of the chart's ServiceAccount; returns its path. */
async function accountOf(plane: ControlPlane): Promise<string> {
  const kubectl = kubectlFor(plane.kubeconfig, releaseNamespace)
  return plane.kubeconfigWithToken('controller', (await kubectl('create', 'token', release)).trim())
}

/** Starts the controller as the installed chart would. */
export async function startInstalled(
  plane: ControlPlane,
  prometheus: string,
  values: object = {},
  flags: readonly string[] = [],
): Promise<Controller> {
  const objects = await renderChart(values)
  return startController({
    kubeconfig: await accountOf(plane),
    prometheus,
    flags: [...controllerFlags(objects), ...flags],
  })
}
