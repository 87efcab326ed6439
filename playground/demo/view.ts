// What the demo shows while it runs: a live view on a terminal, plain lines elsewhere.
import type {RolloutStatus} from '../../crds/rollout-status.ts'
import type {DemoListener} from './scenario.ts'
import type {TrafficCount} from './traffic.ts'

export interface DemoView extends DemoListener {
  /** Redraws with what the client has seen; does nothing where lines are printed. */
  tick(count: TrafficCount): void
  close(): void
}

const keptEvents = 8
const barWidth = 40

/** Nothing but silence, for --json. */
export function silentView(): DemoView {
  return {step() {}, status() {}, event() {}, tick() {}, close() {}}
}

/** One line per step, change of the status and event. */
export function lineView(out: NodeJS.WritableStream): DemoView {
  const startedAt = Date.now()
  let last = ''
  const line = (text: string) => out.write(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)}s  ${text}\n`)
  return {
    step: text => line(`== ${text}`),
    status(status) {
      const text = statusLine(status)
      if (text !== last) line(text)
      last = text
    },
    event: (reason, message) => line(`   ${reason}: ${message}`),
    tick() {},
    close() {},
  }
}

function statusLine(status: RolloutStatus): string {
  const {phase = '-', canaryWeight = 0, step = '', primaryImage = '-', canaryImage = '', message = ''} = status
  return `${phase.padEnd(16)} weight ${String(canaryWeight).padStart(3)} ${step.padEnd(4)} ${primaryImage.padEnd(16)} ${canaryImage.padEnd(16)} ${message}`
}

/** A view that is drawn anew, in place. */
export function liveView(out: NodeJS.WritableStream): DemoView {
  let step = ''
  let status: RolloutStatus = {}
  const events: string[] = []
  let drawn = 0
  let previous: TrafficCount | undefined
  const draw = (count: TrafficCount) => {
    const lines = frame(step, status, events, count, previous)
    previous = structuredClone(count)
    const up = drawn > 0 ? `\u001b[${drawn}A` : ''
    out.write(`${up}${lines.map(text => `\u001b[2K${text}`).join('\n')}\n`)
    drawn = lines.length
  }
  return {
    step(text) {
      step = text
    },
    status(next) {
      status = next
    },
    event(reason, message) {
      events.push(`${reason}: ${message}`)
      if (events.length > keptEvents) events.shift()
    },
    tick: draw,
    close() {},
  }
}

function frame(
  step: string,
  status: RolloutStatus,
  events: string[],
  count: TrafficCount,
  previous: TrafficCount | undefined,
): string[] {
  const weight = status.canaryWeight ?? 0
  const filled = Math.round((weight / 100) * barWidth)
  const rates = Object.entries(count.byVersion).map(([version, now]) => {
    const before = previous?.byVersion[version] ?? {total: 0, failed: 0}
    const total = now.total - before.total
    const success = total === 0 ? '   -  ' : `${(100 - ((now.failed - before.failed) / total) * 100).toFixed(1)} %`
    return `  ${version.padEnd(8)} ${String(now.total).padStart(6)} requests  ${String(now.failed).padStart(5)} failed   now ${String(total).padStart(3)}, success ${success}`
  })
  const width = 110
  return [
    `\u001b[1m${step}\u001b[0m`,
    `  ${(status.phase ?? '-').padEnd(16)} step ${(status.step ?? '-').padEnd(5)} ${status.message ?? ''}`,
    `  primary ${(status.primaryImage ?? '-').padEnd(18)} canary ${status.canaryImage ?? '-'}`,
    `  canary weight [${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] ${weight} %`,
    `  dropped because of Fairlead: ${count.dropped}`,
    ...pad(rates, 4),
    ...pad(
      events.map(text => `  ${text.slice(0, width)}`),
      keptEvents,
    ),
  ]
}

function pad(lines: string[], length: number): string[] {
  return [...lines.slice(-length), ...Array.from({length: Math.max(0, length - lines.length)}, () => '')]
}
