// The controller's ServiceAccount as the chart makes it, with exactly its rights.
import {readFileSync, writeFileSync} from 'node:fs'
import {controllerFlags, release, releaseNamespace, renderChart} from './chart.ts'
import type {Kubectl} from './kubectl.ts'

const kindsOfRights = ['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']
/** Stands for the namespace while the chart is rendered, once for all of them. */
const placeholder = 'namespace-of-the-team'

export interface Rights {
  /** What the chart's Deployment says to the controller. */
  flags(namespace: string): string[]
  /** Makes the account and its roles in a namespace, for a controller that looks after this namespace alone. */
  install(kubectl: Kubectl, namespace: string): Promise<void>
}

/** The rights of a controller of one namespace, installed into that very namespace. */
export async function namespacedRights(): Promise<Rights> {
  const objects = await renderChart({namespace: placeholder, secrets: {trackedNamespaces: [placeholder]}})
  const flags = controllerFlags(objects).filter(flag => !flag.startsWith('--leader-election'))
  const rights = JSON.stringify(
    objects.filter(({kind, metadata}) => kindsOfRights.includes(kind) && metadata.namespace),
  )
  return {
    flags: namespace => flags.map(flag => flag.replace(placeholder, namespace)),
    async install(kubectl, namespace) {
      const text = rights.replaceAll(placeholder, namespace).replaceAll(releaseNamespace, namespace)
      // Roles that are rendered for the team's namespace and for the controller's own are the same here.
      await kubectl.stdin(JSON.parse(text), 'apply', '--server-side', '--force-conflicts', '-f', '-')
    },
  }
}

/** Writes a kubeconfig with a token of the chart's account in a namespace, beside an administrator's; returns its path. */
export async function accountKubeconfig(kubectl: Kubectl, administrator: string, file: string): Promise<string> {
  const token = (await kubectl('create', 'token', release, '--duration', '2h')).trim()
  const document = JSON.parse(readFileSync(administrator, 'utf8'))
  const user = document.users[0].name
  writeFileSync(file, JSON.stringify({...document, users: [{name: user, user: {token}}]}), {mode: 0o600})
  return file
}
