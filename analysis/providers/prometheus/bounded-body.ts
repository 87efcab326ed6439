// Reads a response body without ever holding more of it than allowed. Bytes count after decompression.

/** The text of a body, or undefined when it is larger than `maximumBytes`; the rest is then not read. */
export async function readBoundedText(response: Response, maximumBytes: number): Promise<string | undefined> {
  const {body} = response
  if (!body) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    // Leaving the loop cancels the stream, and with it the connection.
    if (size > maximumBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
