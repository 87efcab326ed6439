import type {Random} from '../../controller/ports.ts'

/** A generator of numbers in [0, 1) that a seed determines (splitmix32): for runs that can be repeated, not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  return {
    next() {
      state = (state + 0x9e3779b9) | 0
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
      return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
    },
  }
}

/** An independent generator, determined by the state of the given one. */
export function forkRandom(random: Random): Random {
  return seededRandom(Math.floor(random.next() * 2 ** 32))
}
