import {ClusterError} from '../ports.ts'

/** Largest event of a watch: above what etcd stores in one object, JSON's overhead included. */
const maxEventBytes = 8 * 1024 * 1024

/**
 * Cuts a stream of bytes at newlines. A line may arrive in any number of pieces, cut inside a character too.
 *
 * @throws {ClusterError} status 0, reason `ResponseTooLarge`, when a line is longer than the bound
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, maxBytes = maxEventBytes): AsyncGenerator<string> {
  let pieces: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(10, start); end !== -1; end = chunk.indexOf(10, start)) {
      pieces.push(chunk.subarray(start, end))
      const line = Buffer.concat(pieces).toString('utf8')
      pieces = []
      size = 0
      start = end + 1
      if (line.trim() !== '') yield line
    }
    if (start === chunk.length) continue
    pieces.push(chunk.subarray(start))
    size += chunk.length - start
    if (size > maxBytes) throw new ClusterError(0, 'ResponseTooLarge', `a watch event is above ${maxBytes} bytes`)
  }
  const rest = Buffer.concat(pieces).toString('utf8')
  if (rest.trim() !== '') yield rest
}
