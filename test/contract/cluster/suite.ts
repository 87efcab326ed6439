// The contract: what Fairlead and its users expect of an API server. Nothing in it may depend on which server answers.
import {describe} from 'vitest'
import {describeApply} from './apply.ts'
import type {StartTarget} from './bench.ts'
import {describeChecks} from './checks.ts'
import {describeDeletion} from './deletion.ts'
import {describeKinds} from './kinds.ts'
import {describeReads} from './reads.ts'
import {describeWatches} from './watches.ts'
import {describeWrites} from './writes.ts'

/** Defines the tests of the whole contract for one API server. */
export function describeClusterContract(name: string, startTarget: StartTarget): void {
  describe.each([name])('%s', () => {
    describeWrites(startTarget)
    describeApply(startTarget)
    describeReads(startTarget)
    describeWatches(startTarget)
    describeKinds(startTarget)
    describeDeletion(startTarget)
    describeChecks(startTarget)
  })
}
