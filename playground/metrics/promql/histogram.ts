// histogram_quantile over classic buckets.
import {keyOf, type Labels} from '../store.ts'
import type {Element} from './evaluate.ts'

interface Bucket {
  bound: number
  count: number
}

/** One element per histogram; buckets without a readable `le` are left out, and one without +Inf gives NaN. */
export function histogramQuantile(quantile: number, elements: Element[]): Element[] {
  const histograms = new Map<string, {labels: Labels; buckets: Bucket[]}>()
  for (const {labels, value} of elements) {
    const {le, __name__: _name, ...rest} = labels
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
    if (le === undefined || Number.isNaN(bound)) continue
    const key = keyOf(rest)
    const known = histograms.get(key) ?? {labels: rest, buckets: []}
    known.buckets.push({bound, count: value})
    histograms.set(key, known)
  }
  return [...histograms.values()].map(({labels, buckets}) => ({labels, value: quantileOf(quantile, buckets)}))
}

function quantileOf(quantile: number, unsorted: Bucket[]): number {
  if (Number.isNaN(quantile)) return Number.NaN
  if (quantile < 0) return Number.NEGATIVE_INFINITY
  if (quantile > 1) return Number.POSITIVE_INFINITY
  const buckets = monotone(unsorted.sort((left, right) => left.bound - right.bound))
  const top = buckets.at(-1)
  if (!top || top.bound !== Number.POSITIVE_INFINITY || buckets.length < 2 || !(top.count > 0)) return Number.NaN
  const rank = quantile * top.count
  const index = buckets.findIndex(bucket => bucket.count >= rank)
  const found = index < 0 ? buckets.length - 1 : index
  if (found === buckets.length - 1) return buckets.at(-2)?.bound ?? Number.NaN
  const bucket = buckets[found] ?? top
  if (found === 0 && bucket.bound <= 0) return bucket.bound
  const below = found === 0 ? {bound: 0, count: 0} : (buckets[found - 1] ?? {bound: 0, count: 0})
  return below.bound + (bucket.bound - below.bound) * ((rank - below.count) / (bucket.count - below.count))
}

/** Cumulative counts never fall; rounding can make them seem to. */
function monotone(buckets: Bucket[]): Bucket[] {
  let highest = 0
  return buckets.map(({bound, count}) => {
    highest = Math.max(highest, count)
    return {bound, count: highest}
  })
}
