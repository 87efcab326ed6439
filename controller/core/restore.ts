// The template that a target gets back: the primary's snapshot with the original names of its config, where the live
// objects still hold what was analysed; else it goes on with the copies.
import type {JsonObject} from '../../crds/meta.ts'
import type {SlotContent} from '../../crds/rollout-status.ts'
import {withCopies} from './config-references.ts'
import type {Observation} from './observation.ts'
import {copyName, findSnapshot} from './revision.ts'

export function restoredTemplate(observation: Observation, primary: SlotContent): JsonObject | undefined {
  const snapshot = findSnapshot(observation, primary.revision)
  return snapshot && withCopies(snapshot.template, originals(observation, snapshot.copies))
}

/** Copies that the given-back target still needs: their live original is gone or holds something else. */
export function copiesStillNeeded(observation: Observation, primary: SlotContent): string[] {
  const snapshot = findSnapshot(observation, primary.revision)
  if (!snapshot) return []
  const back = originals(observation, snapshot.copies)
  return Object.entries(snapshot.copies)
    .filter(([key, copy]) => back[`${key.split('/')[0]}/${copy}`] === undefined)
    .map(([, copy]) => copy)
}

/** `Kind/copy` -> original name, for every copy whose live original has the same contents. */
function originals(observation: Observation, copies: Record<string, string>): Record<string, string> {
  const live = new Map(
    observation.inputs.filter(one => one.object).map(one => [`${one.kind}/${one.name}`, copyName(one)]),
  )
  const result: Record<string, string> = {}
  for (const [key, copy] of Object.entries(copies)) {
    const [kind, name] = key.split('/')
    if (name !== undefined && live.get(key) === copy) result[`${kind}/${copy}`] = name
  }
  return result
}
