// The end of a program that runs in namespaces of its own.

/**
 * Prints what a run reports as JSON, or why it failed on the error output, and ends this process. It also ends when its
 * standard input does: nobody waits for the outcome any more, and with this process, the first of its namespace, everything
 * else ends.
 */
export function reportRun(run: () => Promise<unknown>): void {
  process.stdin.once('end', () => process.exit(1)).resume()
  run().then(
    result => {
      process.stdout.write(JSON.stringify(result), () => process.exit(0))
    },
    error => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`, () => process.exit(1))
    },
  )
}
