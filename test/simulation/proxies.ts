// Every proxy that there may be: each goes by the cluster as it was some time ago, at most the settling time, and no two by
// the same. So whatever was true within that time is what some proxy believes now, and each of its requests needs a pod
// that is there now.
import {labels} from '../../crds/names.ts'
import type {Split} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import type {ModelCluster} from './model-cluster.ts'

const slots = ['a', 'b'] as const
const target = 'checkout'

/** What a proxy knows of the cluster. */
interface Knowledge {
  since: number
  route: Split | undefined
  /** Slots whose Service and destination exist. */
  known: SlotName[]
  /** Ready pods behind each slot's Service, and behind the apex Service, by name. */
  endpoints: Record<SlotName | 'apex', string[]>
}

export class Proxies {
  readonly #cluster: ModelCluster
  readonly #boundMilliseconds: number
  #history: Knowledge[] = []
  readonly #found = new Set<string>()

  /** @param boundMilliseconds how far behind a proxy may be */
  constructor(cluster: ModelCluster, boundMilliseconds: number) {
    this.#cluster = cluster
    this.#boundMilliseconds = boundMilliseconds
  }

  /** Looks at the cluster as it is now: what some proxy believes, and whether its requests are served. */
  look(): void {
    const now = this.#knowledge()
    const last = this.#history.at(-1)
    if (!last || JSON.stringify({...last, since: 0}) !== JSON.stringify({...now, since: 0})) this.#history.push(now)
    const oldest = this.#cluster.now - this.#boundMilliseconds
    // What was true at the edge of the bound is still believed, whenever it began.
    const begin = Math.max(
      0,
      this.#history.findLastIndex(({since}) => since <= oldest),
    )
    this.#history = this.#history.slice(begin)
    for (const knowledge of this.#history) this.#check(knowledge)
  }

  /** Requests of some proxy that found nobody, each named once. */
  get unserved(): string[] {
    return [...this.#found]
  }

  #knowledge(): Knowledge {
    const cluster = this.#cluster
    const spec = cluster.find('Route', target)?.spec as Split | undefined
    const names = (selector: Record<string, string>) =>
      cluster.readyWith(selector).map(({object}) => object.metadata.name)
    const ofSlot = (slot: SlotName) => names({[labels.rollout]: target, [labels.slot]: slot})
    return {
      since: cluster.now,
      route: spec && {a: spec.a, b: spec.b, ...(spec.apart ? {apart: spec.apart} : {})},
      known: slots.filter(
        slot => cluster.find('Service', `${target}-${slot}`) && cluster.find('Destination', `${target}-${slot}`),
      ),
      endpoints: {
        a: ofSlot('a'),
        b: ofSlot('b'),
        apex: names(cluster.find('Service', target)?.spec.selector ?? {}),
      },
    }
  }

  #check({route, known, endpoints}: Knowledge): void {
    const there = new Set(this.#cluster.pods.map(({object}) => object.metadata.name))
    const served = (names: readonly string[]) => names.some(name => there.has(name))
    const wanted = slots.filter(slot => route && (route[slot] > 0 || isApart(route, slot)))
    for (const slot of wanted) {
      if (!known.includes(slot)) this.#found.add(`the route names slot ${slot}, which the proxy does not know`)
      else if (!served(endpoints[slot])) this.#found.add(`the route names slot ${slot}, and none of its pods is there`)
    }
    // Callers without a proxy, and those whose proxy knows no route.
    if (!served(endpoints.apex)) this.#found.add('none of the pods that the apex Service selects is there')
  }
}

/** Whether some requests go to a slot whatever its share; copies whose answers nobody sees are none. */
function isApart({apart}: Split, slot: SlotName): boolean {
  return apart?.slot === slot && (apart.matched === true || apart.session !== undefined)
}
