// Whether real Envoys have what was applied.
import {pause} from './play.ts'

/** Every Envoy's configuration has been the same for so long. */
const settledMilliseconds = 1000
const deadlineMilliseconds = 60_000

/** Waits until no Envoy has been told anything new for a while. @param admins `host:port` of their admin endpoints */
export async function envoysSettled(admins: readonly string[]): Promise<void> {
  const deadline = performance.now() + deadlineMilliseconds
  let [before, since] = ['', performance.now()]
  while (performance.now() - since < settledMilliseconds) {
    if (performance.now() > deadline) throw new Error('the proxies are never told the same for a second')
    const dumps = await Promise.all(admins.map(async admin => (await fetch(`http://${admin}/config_dump`)).text()))
    // Envoy writes maps in whatever order.
    const lines = dumps.join('\n').split(/,?\n/)
    const now = lines
      .filter(line => !/"(last_updated|version_info)"/.test(line))
      .sort()
      .join('\n')
    if (now !== before) [before, since] = [now, performance.now()]
    await pause(100)
  }
}
