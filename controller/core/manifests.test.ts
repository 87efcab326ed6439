import {describe, expect, test} from 'vitest'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {slotTemplate} from './manifests.ts'

/** The user's template, of one version. */
function template(version: string): JsonObject {
  return {
    metadata: {labels: {app: 'checkout', version}, annotations: {'sidecar.istio.io/inject': 'true'}},
    spec: {serviceAccountName: 'checkout', containers: [{name: 'app', image: `app:${version}`}]},
  }
}

/** An AuthorizationPolicy of Istio's or a Server of Linkerd's, by the labels of the pods that it is for. */
const policy = (matchLabels: Record<string, string>) => ({selector: {matchLabels}})

/** Whether a policy holds for the pods of a template: its labels are all among theirs. */
function holds({selector}: ReturnType<typeof policy>, {metadata}: KubeObject['spec']): boolean {
  return Object.entries(selector.matchLabels).every(([label, value]) => metadata.labels[label] === value)
}

describe("authorization policies go on working for a slot's pods", () => {
  const old = slotTemplate('checkout', 'a', template('v1'))
  const canary = slotTemplate('checkout', 'b', template('v2'))

  test('one that names a version holds for the slot that has it, and for no other', () => {
    expect([old, canary].map(one => holds(policy({app: 'checkout', version: 'v2'}), one))).toEqual([false, true])
    // The next release puts v3 where v1 was.
    const next = slotTemplate('checkout', 'a', template('v3'))
    expect([next, canary].map(one => holds(policy({version: 'v3'}), one))).toEqual([true, false])
  })

  test('one for all versions holds for both', () => {
    expect([old, canary].map(one => holds(policy({app: 'checkout'}), one))).toEqual([true, true])
  })

  test("one that names callers by their ServiceAccount meets the user's own", () => {
    for (const one of [old, canary]) expect(one).toMatchObject({spec: {serviceAccountName: 'checkout'}})
  })

  test('annotations that a mesh reads on pods stay too', () => {
    expect(canary).toMatchObject({metadata: {annotations: {'sidecar.istio.io/inject': 'true'}}})
  })
})
