// The queries of docs/dashboards.md: PromQL, and about metrics that exist.
import {readFileSync} from 'node:fs'
import {parser} from '@prometheus-io/lezer-promql'
import {describe, expect, test} from 'vitest'
import {Telemetry} from '../../controller/shell/telemetry.ts'
import {meshes} from '../../mesh/registry.ts'

const page = readFileSync(new URL('../../docs/dashboards.md', import.meta.url), 'utf8')
const queries = [...page.matchAll(/```promql\n([\s\S]*?)```/g)].map(([, query = '']) => query)

/** Names of the metrics that a query selects, and whether it is PromQL. */
function read(query: string): {valid: boolean; metrics: string[]} {
  let valid = true
  const metrics: string[] = []
  parser.parse(query).iterate({
    enter({type, from, to, node}) {
      if (type.isError) valid = false
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.push(query.slice(from, to))
    },
  })
  return {valid, metrics}
}

describe('docs/dashboards.md', () => {
  test.each(queries)('is PromQL, and joins on what the slots hold: %s', query => {
    const {valid, metrics} = read(query)
    expect(valid).toBe(true)
    expect(metrics).toContain('fairlead_slot_info')
  })

  test('names metrics that somebody exposes', async () => {
    const telemetry = new Telemetry({processMetrics: false})
    const own = [...(await telemetry.render()).body.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)
    const ofMeshes = Object.values(meshes).flatMap(mesh => mesh.counters.flatMap(({metrics}) => metrics))
    const known = new Set([...own, ...ofMeshes])
    const named = queries.flatMap(query => read(query).metrics)
    expect(named.length).toBeGreaterThan(queries.length)
    expect(named.filter(name => !known.has(name) && !name.startsWith('kube_deployment_'))).toEqual([])
  })
})
