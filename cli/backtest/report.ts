// What the judge would have decided, and when, beside a fixed threshold.
import {columns, plot} from './plot.ts'
import {type Backtest, clockText, type FixedThreshold, fixedThreshold, type JudgedPoll} from './run.ts'
import {type LeftOut, leftOutText} from './thresholds.ts'

const plotColumns = 72

export function backtestReport(backtest: Backtest, leftOut: readonly LeftOut[], threshold: FixedThreshold): string {
  const {polls, decisions} = backtest
  const [first, last] = [polls[0], polls.at(-1)]
  if (!first || !last || last.sofar.total === 0) {
    return 'The canary had no request in this range: check the times, the names in the Rollout, and --canary.\n'
  }
  const begin = `From ${new Date(first.at).toISOString()}, ${polls.length} readings; the canary had ${last.sofar.total} requests and failed ${last.sofar.failed}.`
  const judged = decisions.map(({at, kind, result, canary}, index) => {
    const what = kind === 'rollback' ? 'ROLL BACK' : `step ${index + 1} may end`
    return `  ${clockText(at)}  ${what.padEnd(15)} after ${canary.total} canary requests, ${canary.failed} failed: ${result.name}: ${result.message}`
  })
  const open =
    decisions.at(-1)?.kind === 'rollback' ? [] : last.results.map(one => `  at the end: ${one.name}: ${one.message}`)
  const fixed = fixedThreshold(polls, threshold)
  const {minimumPercent, windowMilliseconds, failedWindows} = threshold
  const setting = `success rate below ${minimumPercent} % in ${failedWindows} windows of ${windowMilliseconds / 1000} s`
  return [
    begin,
    ...leftOutText(leftOut),
    '',
    'The judge:',
    ...(judged.length > 0 ? judged : ['  no decision']),
    ...open,
    '',
    `A fixed threshold (${setting}):`,
    fixed
      ? `  ${clockText(fixed.at)}  ROLL BACK       after ${fixed.canary.total} canary requests, ${fixed.canary.failed} failed`
      : '  no rollback: the release would have been promoted',
    '',
    ...curves(polls, Math.min(plotColumns, polls.length)),
    '',
  ].join('\n')
}

function curves(polls: readonly JudgedPoll[], width: number): string[] {
  const share = polls.map(({canary: {failed, total}}) => (total > 0 ? (100 * failed) / total : undefined))
  const names = polls[0]?.results.map(({name}) => name) ?? []
  const axis = `${' '.repeat(11)}└${'─'.repeat(width)}`
  const [from = 0, to = 0] = [polls[0]?.at, polls.at(-1)?.at]
  const times = `${' '.repeat(12)}${clockText(from)}${clockText(to).padStart(Math.max(9, width - 8))}`
  const plots = names.flatMap(name => {
    const facts = polls.map(({results}) => results.find(one => one.name === name)?.evidence)
    const boundary = facts.find(one => one !== undefined)?.harm.boundary
    if (boundary === undefined) return []
    // What lies below 1 says that there is none.
    const values = facts.map(one => one && Math.max(0, Math.log10(Math.min(one.harm.value, boundary * 100))))
    const title = `${name}: evidence that the canary is worse, as a power of ten`
    return [...plot({title, values: columns(values, width), boundary: Math.log10(boundary), unit: ''}), axis, times, '']
  })
  const failures = plot({title: 'failed requests of the canary', values: columns(share, width), unit: '%'})
  return [...plots, ...failures, axis, times]
}
