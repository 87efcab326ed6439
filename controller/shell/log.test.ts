import {expect, test} from 'vitest'
import {maskText} from './log.ts'
import {keptLog} from './test-support.ts'

function logged(fields: object, message = 'something happened'): Record<string, any> {
  const {log, lines} = keptLog()
  log.info(fields, message)
  return JSON.parse(lines[0] ?? '')
}

test('a line has a level by name, a time and the message', () => {
  const line = logged({rollout: 'shop/cart'})
  expect(line).toMatchObject({level: 'info', msg: 'something happened', rollout: 'shop/cart'})
  expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
  expect(line).not.toHaveProperty('pid')
})

test.each([
  'authorization',
  'Authorization',
  'proxy-authorization',
  'password',
  'token',
  'accessToken',
  'api_key',
  'client-secret',
  'clientSecret',
  'cookie',
])('the field %s is masked at any depth', name => {
  const line = logged({[name]: 'hunter2', deep: [{request: {headers: {[name]: 'hunter2'}}}], secretName: 'visible'})
  expect(JSON.stringify(line)).not.toContain('hunter2')
  expect(line['secretName']).toBe('visible')
})

test('the data of a Secret is masked, that of a ConfigMap is not', () => {
  const data = {key: 'aHVudGVyMg=='}
  const line = logged({
    secret: 1,
    objects: [
      {kind: 'Secret', data, stringData: data},
      {kind: 'ConfigMap', data},
    ],
  })
  expect(line['objects']).toEqual([
    {kind: 'Secret', data: '[redacted]', stringData: '[redacted]'},
    {kind: 'ConfigMap', data},
  ])
})

test('user info of URLs and bearer tokens are masked wherever they stand', () => {
  const error = new Error('cannot fetch https://me:hunter2@git.example.com/repo.git')
  const line = logged({err: error, url: 'ssh://hunter2@host/x', note: 'sent Authorization: Bearer hunter2.abc'})
  expect(JSON.stringify(line)).not.toContain('hunter2')
  expect(line['err']).toMatchObject({
    type: 'Error',
    message: 'cannot fetch https://[redacted]@git.example.com/repo.git',
  })
  expect(line['err'].stack).toContain('log.test.ts')
})

test('a password with an at sign is masked whole, and plain URLs and addresses stay', () => {
  expect(maskText('https://me:p@ss@host/path')).toBe('https://[redacted]@host/path')
  expect(maskText('https://host/path?mail=a@b.c and me@example.com')).toBe(
    'https://host/path?mail=a@b.c and me@example.com',
  )
})

test('fields of an error and its cause are kept and masked', () => {
  const error = Object.assign(new Error('outer', {cause: new Error('inner')}), {status: 409, token: 'hunter2'})
  expect(logged({err: error})['err']).toMatchObject({status: 409, token: '[redacted]', cause: {message: 'inner'}})
})

test('a circular or huge object costs a bounded line', () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  const huge = Object.fromEntries(Array.from({length: 100_000}, (_, n) => [`field${n}`, n]))
  expect(JSON.stringify(logged({circular, huge})).length).toBeLessThan(60_000)
})

test('masking a long line takes time in proportion to its length', () => {
  const started = performance.now()
  for (const text of ['a'.repeat(300_000), 'a://'.repeat(50_000), 'https://a@'.repeat(20_000)]) maskText(text)
  expect(performance.now() - started).toBeLessThan(2_000)
})
