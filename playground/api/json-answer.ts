// Answers in JSON.
import type {ApiResponse} from './types.ts'

const maximumWarnings = 20

/** A JSON answer. */
export function answer(status: number, body: object, warnings: string[] = []): ApiResponse {
  const headers: Record<string, string> = {'content-type': 'application/json'}
  // Several warnings share one header, as RFC 7234 allows.
  const texts = warnings.slice(0, maximumWarnings).map(text => `299 - ${JSON.stringify(text)}`)
  if (texts.length > 0) headers['warning'] = texts.join(', ')
  return {status, headers, body}
}
