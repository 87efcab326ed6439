import fc from 'fast-check'
import {expect, test} from 'vitest'
import {splitLines} from './watch-lines.ts'

async function split(pieces: Buffer[], maxBytes?: number): Promise<string[]> {
  async function* chunks() {
    yield* pieces
  }
  const lines: string[] = []
  for await (const line of splitLines(chunks(), maxBytes)) lines.push(line)
  return lines
}

test('lines come out as they went in, wherever the bytes were cut', async () => {
  const line = fc.string({unit: 'grapheme', minLength: 1}).map(text => `x${text.replaceAll(/[\n\r]/g, '')}`)
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(40)), fc.boolean(), async (lines, cuts, ended) => {
      const bytes = Buffer.from(lines.join('\n') + (ended ? '\n' : ''))
      const pieces: Buffer[] = []
      let at = 0
      for (const cut of cuts) {
        pieces.push(bytes.subarray(at, at + cut))
        at += cut
      }
      pieces.push(bytes.subarray(at))
      expect(await split(pieces)).toEqual(lines)
    }),
  )
})

test('empty lines are passed over', async () => {
  expect(await split([Buffer.from('\n\na\n \nb')])).toEqual(['a', 'b'])
})

test('the bound is one of lines, not of the stream', async () => {
  const pieces = Array.from({length: 10}, () => Buffer.from(`${'x'.repeat(30)}\n${'x'.repeat(30)}`))
  expect(await split(pieces, 80)).toHaveLength(11)
})

test('a line without an end is not collected for ever', async () => {
  const piece = Buffer.alloc(40, 'x')
  expect(await split([piece, piece], 80)).toHaveLength(1)
  await expect(split([piece, piece, piece], 80)).rejects.toMatchObject({status: 0, reason: 'ResponseTooLarge'})
})
