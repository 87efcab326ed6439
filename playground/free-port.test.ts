import {expect, test} from 'vitest'
import {freePort} from './free-port.ts'

test('no port is drawn twice in a while', async () => {
  const ports = await Promise.all(Array.from({length: 500}, freePort))
  expect(new Set(ports).size).toBe(500)
})
