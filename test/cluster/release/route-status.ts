// Stands for the controllers that look after routes, which are not here: it writes what they would say of each.
import type {KubeClient} from '../../../controller/shell/kube-client.ts'
import type {JsonObject, KubeObject} from '../../../crds/meta.ts'

export interface RouteController {
  /** From now on says of every route that it is accepted, or why it is not. */
  say(refusal: string | undefined): void
  close(): Promise<void>
}

const pollMilliseconds = 200

/**
 * Answers for the HTTPRoutes of a namespace.
 * @param as `gateway` dates its answers; `linkerd` does not, and writes the core group as `core`
 */
export function startRouteController(
  client: KubeClient,
  namespace: string,
  as: 'gateway' | 'linkerd',
): RouteController {
  let refusal: string | undefined
  let closed = false
  const answer = async () => {
    const routes = await client.list({apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', namespace})
    for (const route of routes) {
      const parents = answersFor(route, as, refusal)
      // A newer version of the route gets its answer at the next turn.
      if (JSON.stringify(route.status?.parents) !== JSON.stringify(parents))
        await client.updateStatus({...route, status: {parents}}).catch(() => undefined)
    }
  }
  const run = async () => {
    while (!closed) {
      // Whatever goes wrong once is tried again at the next turn.
      await answer().catch(() => undefined)
      await new Promise(resolve => setTimeout(resolve, pollMilliseconds))
    }
  }
  const running = run()
  return {
    say: text => {
      refusal = text
    },
    async close() {
      closed = true
      await running
    },
  }
}

function answersFor(route: KubeObject, as: 'gateway' | 'linkerd', refusal: string | undefined): JsonObject[] {
  const condition = (type: string, reason: string | undefined) => ({
    lastTransitionTime: '2026-01-01T00:00:00Z',
    message: reason === undefined ? '' : 'said by the lane',
    ...(as === 'gateway' ? {observedGeneration: route.metadata.generation} : {}),
    reason: reason ?? type,
    status: reason === undefined ? 'True' : 'False',
    type,
  })
  return (route.spec.parentRefs as JsonObject[]).map(parentRef => ({
    conditions: [condition('Accepted', refusal), condition('ResolvedRefs', undefined)],
    controllerName: as === 'linkerd' ? 'linkerd.io/policy-controller' : 'example.com/gateway',
    parentRef: as === 'linkerd' ? {...parentRef, group: 'core'} : parentRef,
  }))
}
