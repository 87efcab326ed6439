// Every proxy that there may be. Each hears of a route, of a destination, of endpoints and of safeguards on ways of their own,
// each of them at most the settling time after it was written and none in step with another. So a proxy may go by any state of
// the one within that time together with any state of the other, and each of its requests needs a pod that is there now.
import {labels} from '../../crds/names.ts'
import type {SlotName} from '../../crds/slots.ts'
import type {MeshReading} from './mesh-reading.ts'
import type {ModelCluster} from './model-cluster.ts'

const slots = ['a', 'b'] as const
const target = 'checkout'

/** One kind of thing that a proxy hears of. */
class Beliefs<T> {
  #history: {since: number; value: T; text: string}[] = []

  hear(value: T, now: number, boundMilliseconds: number): void {
    const text = JSON.stringify(value) ?? ''
    if (this.#history.at(-1)?.text !== text) this.#history.push({since: now, value, text})
    // What was true at the edge of the bound is still believed, whenever it began.
    const begin = this.#history.findLastIndex(({since}) => since <= now - boundMilliseconds)
    if (begin > 0) this.#history = this.#history.slice(begin)
  }

  get all(): T[] {
    return this.#history.map(({value}) => value)
  }
}

/** Shares of a slot up to which users have agreed to meet its safeguards and faults, percent. */
export interface Agreed {
  limits: number
  faults: number
}

export class Proxies {
  readonly #cluster: ModelCluster
  readonly #boundMilliseconds: number
  readonly #agreed: Agreed
  readonly #route = new Beliefs<MeshReading['route']>()
  /** Slots whose Service and destination exist. */
  readonly #known = new Beliefs<SlotName[]>()
  readonly #limited = new Beliefs<SlotName[]>()
  readonly #faulted = new Beliefs<SlotName[]>()
  /** Ready pods behind each slot's Service, and behind the apex Service, by name. */
  readonly #endpoints = {a: new Beliefs<string[]>(), b: new Beliefs<string[]>(), apex: new Beliefs<string[]>()}
  readonly #found = new Set<string>()

  /** @param boundMilliseconds how far behind a proxy may be */
  constructor(cluster: ModelCluster, boundMilliseconds: number, agreed: Agreed = {limits: 100, faults: 100}) {
    this.#cluster = cluster
    this.#boundMilliseconds = boundMilliseconds
    this.#agreed = agreed
  }

  /** Looks at the cluster as it is now: what some proxy believes, and whether its requests are served. */
  look(): void {
    const cluster = this.#cluster
    const hear = <T>(beliefs: Beliefs<T>, value: T) => beliefs.hear(value, cluster.now, this.#boundMilliseconds)
    const {route, destinations, limited, faulted} = cluster.reading()
    const names = (selector: Record<string, string>) =>
      cluster.readyWith(selector).map(({object}) => object.metadata.name)
    hear(this.#route, route)
    hear(
      this.#known,
      destinations.filter(slot => cluster.find('Service', `${target}-${slot}`)),
    )
    hear(this.#limited, limited)
    hear(this.#faulted, faulted)
    for (const slot of slots) {
      const service = cluster.find('Service', `${target}-${slot}`)
      hear(this.#endpoints[slot], service ? names({[labels.rollout]: target, [labels.slot]: slot}) : [])
    }
    hear(this.#endpoints.apex, names(cluster.find('Service', target)?.spec.selector ?? {}))
    this.#check()
  }

  /** Requests of some proxy that found nobody, or met what they should not, each named once. */
  get unserved(): string[] {
    return [...this.#found]
  }

  #check(): void {
    const there = new Set(this.#cluster.pods.map(({object}) => object.metadata.name))
    // A proxy picks any of the pods that it believes in.
    const served = (names: readonly string[]) => names.length > 0 && names.every(name => there.has(name))
    const every = <T>(beliefs: Beliefs<T>, holds: (value: T) => boolean, text: string) => {
      if (!beliefs.all.every(holds)) this.#found.add(text)
    }
    for (const route of this.#route.all) {
      for (const slot of route?.reached ?? []) {
        every(this.#known, known => known.includes(slot), `the route names slot ${slot}, which the proxy does not know`)
        every(this.#endpoints[slot], served, `the route names slot ${slot}, and a pod of its is gone`)
      }
      for (const slot of slots) {
        const share = route?.shares[slot] ?? 0
        const within = (agreed: number) => (found: SlotName[]) => share <= agreed || !found.includes(slot)
        every(this.#limited, within(this.#agreed.limits), `slot ${slot} has ${share} % and answers 429`)
        every(this.#faulted, within(this.#agreed.faults), `slot ${slot} has ${share} % and its calls fail`)
      }
    }
    // Callers without a proxy, and those whose proxy knows no route.
    every(this.#endpoints.apex, served, 'a pod that the apex Service selects is gone')
    for (const apex of this.#endpoints.apex.all) {
      const free = (found: SlotName[]) => !found.some(slot => apex.some(name => name.startsWith(`${target}-${slot}-`)))
      every(this.#limited, free, 'the apex Service selects pods that answer 429')
    }
  }
}
