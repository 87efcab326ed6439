// Every check must pass before a weight rises; one that fails is enough to roll back; without data nothing moves.
import type {CheckResult} from '../crds/rollout-status.ts'

interface CombinedVerdict {
  verdict: 'rollback' | 'wait' | 'advance'
  /** The check that decided; absent for `advance`, and for `wait` when there was no result at all. */
  deciding?: CheckResult
}

/**
 * Combines the results of all checks of one evaluation. The verdict doesn't depend on their order. The deciding check
 * is the first, in the order given, of the strongest verdict: fail, then error (somebody must mend it), then noData, then
 * inconclusive.
 * Results of a dry run count for nothing. No others is `wait`: a release that measured nothing has not succeeded.
 */
export function combineVerdicts(all: readonly CheckResult[]): CombinedVerdict {
  const results = all.filter(({dryRun}) => !dryRun)
  const failed = results.find(result => result.verdict === 'fail')
  if (failed) return {verdict: 'rollback', deciding: failed}
  const first = (verdict: CheckResult['verdict']) => results.find(result => result.verdict === verdict)
  const open = first('error') ?? first('noData') ?? first('inconclusive')
  if (open) return {verdict: 'wait', deciding: open}
  return results.length === 0 ? {verdict: 'wait'} : {verdict: 'advance'}
}
