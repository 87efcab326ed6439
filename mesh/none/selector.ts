// The apex Service's selector, read as a route: which slots it selects.
import {labels} from '../../crds/names.ts'
import type {Split} from '../../crds/rollout-status.ts'
import type {MeshContext} from '../types.ts'

/** The Rollout's settings without a mesh. @throws RangeError when the Rollout names a mesh. */
export function noneOf({traffic: {none}}: MeshContext): NonNullable<MeshContext['traffic']['none']> {
  if (!none) throw new RangeError('spec.traffic.none is not set: this Rollout uses a mesh')
  return none
}

/**
 * Which slots the apex Service selects: all of the traffic for a lone one; where it selects both, halves stand for shares
 * that the selector doesn't tell. Undefined while it selects none of them.
 */
export function readSelector({rollout, apex}: MeshContext): Split | undefined {
  const {selector = {}} = apex
  if (selector[labels.rollout] !== rollout.name) return undefined
  switch (selector[labels.slot]) {
    case 'a':
      return {a: 100, b: 0}
    case 'b':
      return {a: 0, b: 100}
    case undefined:
      return {a: 50, b: 50}
    default:
      return undefined
  }
}
