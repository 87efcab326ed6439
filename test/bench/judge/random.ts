// Chance from a seed: the same figures on every machine.

/** Above this many expected events a sum of smaller draws is taken. */
const largestMean = 30

/** Every run of everything that has a name gets a seed of its own. */
export function seedOf(name: string, index: number): number {
  let hash = 2_166_136_261
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619)
  return (hash ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0
}

/** Draws from a seed; splitmix32 behind it. */
export class Chance {
  #state: number
  #spare: number | undefined

  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
  }

  /** In [0, 1). */
  uniform(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    let mixed = this.#state ^ (this.#state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    mixed ^= mixed >>> 15
    // 53 bits from two words would cost twice; 32 are enough for counts.
    return (mixed >>> 0) / 4_294_967_296
  }

  /** Successes among `count` trials. */
  binomial(count: number, probability: number): number {
    if (count <= 0 || probability <= 0) return 0
    if (probability >= 1) return count
    if (probability > 0.5) return count - this.binomial(count, 1 - probability)
    if (count * probability <= largestMean * 4) return this.#rareSuccesses(count, probability)
    // Exact: the median of the uniform order statistics splits the trials (Relles 1972).
    const half = Math.floor((count + 1) / 2)
    const middle = this.#beta(half, count + 1 - half)
    return probability < middle
      ? this.binomial(half - 1, probability / middle)
      : half + this.binomial(count - half, (probability - middle) / (1 - middle))
  }

  poisson(mean: number): number {
    if (mean <= 0) return 0
    if (mean <= largestMean) {
      let product = 1 - this.uniform()
      let count = 0
      const limit = Math.exp(-mean)
      while (product > limit) {
        product *= 1 - this.uniform()
        count++
      }
      return count
    }
    // Exact: the time of the m-th event is a gamma variate (Ahrens and Dieter 1974).
    const half = Math.floor(mean * 0.875)
    const time = this.#gamma(half)
    return time > mean ? this.binomial(half - 1, mean / time) : half + this.poisson(mean - time)
  }

  /** By the waiting times between successes: as many steps as successes. */
  #rareSuccesses(count: number, probability: number): number {
    const logFailure = Math.log1p(-probability)
    let successes = 0
    let at = Math.floor(Math.log(1 - this.uniform()) / logFailure)
    while (at < count) {
      successes++
      at += 1 + Math.floor(Math.log(1 - this.uniform()) / logFailure)
    }
    return successes
  }

  /** Beta variate of integer parameters, from two gamma variates. */
  #beta(left: number, right: number): number {
    const one = this.#gamma(left)
    return one / (one + this.#gamma(right))
  }

  /** Marsaglia and Tsang 2000, for shapes of 1 and above. */
  #gamma(shape: number): number {
    const d = shape - 1 / 3
    const c = 1 / Math.sqrt(9 * d)
    for (;;) {
      const x = this.#normal()
      const v = (1 + c * x) ** 3
      if (v > 0 && Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
    }
  }

  /** Standard normal, after Box and Muller. */
  #normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare
      this.#spare = undefined
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    const angle = 2 * Math.PI * this.uniform()
    this.#spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}
