// The audit log of an API server, read as it is written: in pieces, for it grows longer than a string can be.
import {closeSync, openSync, readSync} from 'node:fs'
import {StringDecoder} from 'node:string_decoder'

/** The fields of audit.k8s.io/v1 Event that the lanes ask about. */
export interface AuditEvent {
  verb: string
  user: {username: string}
  objectRef: {apiGroup?: string; resource: string; subresource?: string; namespace?: string; name?: string}
  responseStatus?: {code: number}
  stageTimestamp: string
}

const pieceBytes = 1 << 20

/** What the users asked of objects, in the order of the log. `user`: a whole name, or its beginning with `*` behind. */
export function auditEvents(file: string, user: string): AuditEvent[] {
  const mark = user.endsWith('*') ? `"username":"${user.slice(0, -1)}` : `"username":"${user}"`
  const events: AuditEvent[] = []
  for (const line of lines(file)) {
    if (!line.includes(mark)) continue
    const event: AuditEvent | {objectRef: undefined} = JSON.parse(line)
    if (event.objectRef) events.push(event)
  }
  return events
}

/** The whole lines of a file; a last one that is still being written is left out. */
function* lines(file: string): Generator<string> {
  const descriptor = openSync(file, 'r')
  try {
    const decoder = new StringDecoder('utf8')
    const piece = Buffer.alloc(pieceBytes)
    let rest = ''
    for (let read = readSync(descriptor, piece); read > 0; read = readSync(descriptor, piece)) {
      const text = (rest + decoder.write(piece.subarray(0, read))).split('\n')
      rest = text.pop() ?? ''
      yield* text
    }
  } finally {
    closeSync(descriptor)
  }
}
