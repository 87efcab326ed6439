// Queries about many Rollouts find all of their series, and are no longer than stores take.
import {describe, expect, test} from 'vitest'
import {type Question, queriesFor, type Reader, slotKeys} from '../../../controller/shell/counter-selectors.ts'
import {meshes} from '../../../mesh/registry.ts'
import type {CounterFamily} from '../../../mesh/types.ts'
import {evaluateInstant} from '../../../playground/metrics/promql/evaluate.ts'
import {MetricStore} from '../../../playground/metrics/store.ts'
import {traffics} from './judged-release.ts'

/** What VictoriaMetrics takes unless told otherwise. */
const longestQuery = 16_384

function readersOf(mesh: keyof typeof traffics, count: number): Reader[] {
  return Array.from({length: count}, (_, index) => {
    const name = `checkout-service-${index}`
    const rollout = {name, namespace: `team-${index % 20}`, uid: String(index)}
    const context = {rollout, apex: {name, ports: []}, slots: {a: `${name}-a`, b: `${name}-b`}, traffic: traffics[mesh]}
    return {uid: String(index), mesh: meshes[mesh], context}
  })
}

/** A store with one series per slot of the Rollouts and one of a stranger, as a family's matchers want them. */
function storeOf(family: CounterFamily, readers: readonly Reader[]): MetricStore {
  const store = new MetricStore()
  const [metric = ''] = family.metrics
  const fixed = family.matchers.flatMap(matcher => {
    const [, label = '', value = ''] = /^(\w+)="(.*)"$/.exec(matcher) ?? []
    return label === '' ? [] : [[label, value]]
  })
  const keys = readers.flatMap(reader => slotKeys(family, reader).map(({values}) => values))
  for (const values of [...keys, family.keyLabels.map(() => 'stranger-a')]) {
    const labels = family.keyLabels.map((label, index) => [label, values[index] ?? ''])
    store.add({__name__: metric, ...Object.fromEntries([...fixed, ...labels]), instance: 'x'}, {at: 1000, value: 7})
  }
  return store
}

describe.each(['istio', 'gatewayAPI', 'linkerd'] as const)('%s', mesh => {
  const families = meshes[mesh].counters
  const many = readersOf(mesh, 1000)

  test.each<Question>(['now', 'before', 'times'])('%s: few Rollouts are asked for by one query', question => {
    for (const family of families) {
      const queries = queriesFor(question, family, many.slice(0, 20))
      expect(queries).toHaveLength(1)
      // With each name as it is, which Prometheus looks up fastest.
      const text = queries[0]?.text.replaceAll('[.]', '.')
      const names = many.slice(0, 20).flatMap(reader => slotKeys(family, reader).flatMap(({values}) => values))
      for (const name of names) expect(text).toContain(name)
    }
  })

  test.each<Question>(['now', 'before', 'times'])('%s: many by as many as their names take', question => {
    for (const family of families) {
      const queries = queriesFor(question, family, many)
      for (const {text} of queries) expect(Buffer.byteLength(text)).toBeLessThan(longestQuery)
      expect(queries.flatMap(({readers}) => readers.map(({uid}) => uid)).sort()).toEqual(
        many.map(({uid}) => uid).sort(),
      )
      // Names of 20 characters: at least 100 Rollouts in one.
      expect(queries.length).toBeLessThanOrEqual(10)
    }
  })

  test('every series is found, however its name is written, and no stranger', () => {
    for (const family of families) {
      const store = storeOf(family, many)
      const found = queriesFor('now', family, many).flatMap(({text, readers}) => {
        const value = evaluateInstant(store, text, 2000)
        const own = new Set(readers.flatMap(reader => slotKeys(family, reader).map(({values}) => values.join())))
        const elements = value.kind === 'vector' ? value.elements : []
        return elements
          .map(({labels}) => family.keyLabels.map(label => labels[label] ?? '').join())
          .filter(key => own.has(key))
      })
      const keys = many.flatMap(reader => slotKeys(family, reader).map(({values}) => values.join()))
      expect(new Set(found)).toEqual(new Set(keys))
      expect(found.join()).not.toContain('stranger')
    }
  })

  test('a target was scraped when its sample says', () => {
    for (const family of families) {
      const [query] = queriesFor('times', family, many.slice(0, 3))
      const value = evaluateInstant(storeOf(family, many.slice(0, 3)), query?.text ?? '', 2000)
      expect(value).toEqual({kind: 'vector', elements: [{labels: {instance: 'x'}, value: 1}]})
    }
  })
})
