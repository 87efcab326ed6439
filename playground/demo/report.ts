// The end of the demo: the table, or one JSON document.
import {demoIntervals} from './manifests.ts'
import type {MeasuredRelease, ReleaseReport} from './scenario.ts'

export interface DemoResult {
  releases: MeasuredRelease[]
  droppedByFairlead: number
  reasons: Record<string, number>
  peakMebibytes: number
  seconds: number
}

/** Whether everything happened as it should. */
export function succeeded(result: DemoResult, expectedReleases: number): boolean {
  return (
    result.releases.length === expectedReleases &&
    result.releases.every(one => one.expected) &&
    result.droppedByFairlead === 0
  )
}

export function jsonReport(result: DemoResult): {releases: ReleaseReport[]; droppedByFairlead: number} {
  return {releases: result.releases.map(one => one.report), droppedByFairlead: result.droppedByFairlead}
}

const productDefaults = {
  analysisInterval: '5s to 15s',
  analysisWindow: '1m',
  bake: '10m',
  drainTime: '5s',
  settle: '5s',
  settlingTime: '8s',
  gitInterval: '1m',
  abTest: '10m',
} as const satisfies Record<keyof typeof demoIntervals, string>

export function textReport(result: DemoResult): string {
  const head = ['commit', 'subject', 'outcome', 'weights', 'seconds', 'requests', 'failed', 'canary', 'canary failed']
  const rows = result.releases.map(({report}) => [
    report.commit.slice(0, 8),
    report.subject,
    report.outcome,
    report.weights.join(' '),
    report.durationSeconds.toFixed(1),
    String(report.requests.total),
    String(report.requests.failed),
    String(report.requests.canaryTotal),
    String(report.requests.canaryFailed),
  ])
  const widths = head.map((title, index) => Math.max(title.length, ...rows.map(row => row[index]?.length ?? 0)))
  const line = (cells: string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  const rolledBack = result.releases.flatMap(({report}) =>
    report.alerts.map(alert => `  ${alert.title}\n  ${alert.text}`),
  )
  const firstWeights = result.releases.map(one => `${one.firstWeightSeconds.toFixed(1)} s`).join(', ')
  const intervals = Object.entries(demoIntervals).map(
    ([name, value]) => `${name} ${value} (default ${productDefaults[name as keyof typeof productDefaults]})`,
  )
  return [
    '',
    line(head),
    line(widths.map(width => '-'.repeat(width))),
    ...rows.map(line),
    '',
    'Alerts that arrived:',
    ...(rolledBack.length > 0 ? rolledBack : ['  none']),
    '',
    `Requests dropped because of Fairlead: ${result.droppedByFairlead}${result.droppedByFairlead > 0 ? ` ${JSON.stringify(result.reasons)}` : ''}`,
    `From merge to the first requests of the new version: ${firstWeights}. Controller: ${result.peakMebibytes.toFixed(0)} MiB resident at most. Demo: ${result.seconds.toFixed(0)} s.`,
    `Intervals of the demo (and of the product): ${intervals.join(', ')}.`,
    '',
  ].join('\n')
}
