// A metrics system behind https: whom the provider trusts, and how it shows who it is. A lane, since Node can't issue
// certificates and openssl may be missing where the unit tests run.
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest'
import type {MetricRequest} from '../../../controller/ports.ts'
import {httpConfig} from '../../../crds/http-config.ts'
import {type Loopback, listen} from '../../contract/metrics/loopback.ts'
import {providers} from '../../contract/metrics/providers.ts'
import {createAuthority, type KeyPair} from '../certificates.ts'

const instant: MetricRequest = {query: 'q', at: 1_700_000_000_000}

let folder = ''
let files: Record<'ca' | 'serving' | 'client' | 'otherCa' | 'otherClient', KeyPair>
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-access-'))
  const other = mkdtempSync(join(folder, 'other-'))
  const read = ({certificate, key}: KeyPair) => ({
    certificate: readFileSync(certificate, 'utf8'),
    key: key === '' ? '' : readFileSync(key, 'utf8'),
  })
  const [authority, stranger] = [createAuthority(folder), createAuthority(other)]
  files = {
    ca: read({certificate: authority.certificate, key: ''}),
    serving: read(authority.server('metrics', ['IP:127.0.0.1', 'DNS:metrics.test'])),
    client: read(authority.client('client', 'fairlead', [])),
    otherCa: read({certificate: stranger.certificate, key: ''}),
    otherClient: read(stranger.client('client', 'fairlead', [])),
  }
})
afterAll(() => rmSync(folder, {recursive: true}))

let loopback: Loopback | undefined
afterEach(() => loopback?.close())

describe.each(providers)('$name: certificates', provider => {
  const serve = async (requestCert: boolean) => {
    const {ca, serving} = files
    loopback = await listen((_, response) => void response.end(provider.empty.query.body), {
      cert: serving.certificate,
      key: serving.key,
      ...(requestCert ? {ca: ca.certificate, requestCert, rejectUnauthorized: true} : {}),
    })
  }
  const ask = (tls: object) => {
    const metrics = provider.create({
      address: loopback?.address ?? '',
      httpConfig: () => httpConfig.parse({tls_config: tls}),
      timeoutMilliseconds: 5000,
    })
    return metrics.query(instant)
  }
  const unreachable = (code: RegExp) => ({kind: 'error', reason: 'Unreachable', message: expect.stringMatching(code)})

  test('an authority of its own', async () => {
    await serve(false)
    const {ca, otherCa} = files
    expect(await ask({ca: ca.certificate})).toMatchObject({kind: 'vector'})
    expect(await ask({})).toMatchObject(unreachable(/UNABLE_TO_VERIFY|SELF_SIGNED/))
    expect(await ask({ca: otherCa.certificate})).toMatchObject(unreachable(/UNABLE_TO_VERIFY|SELF_SIGNED|SIGNATURE/))
    expect(await ask({ca: 'no certificate'})).toMatchObject({kind: 'error', reason: 'Unreachable'})
    expect(await ask({insecure_skip_verify: true})).toMatchObject({kind: 'vector'})
  })

  test('the name that the certificate must have', async () => {
    await serve(false)
    const ca = files.ca.certificate
    expect(await ask({ca, server_name: 'metrics.test'})).toMatchObject({kind: 'vector'})
    expect(await ask({ca, server_name: 'other.test'})).toMatchObject(unreachable(/ALTNAME_INVALID/))
  })

  test('a certificate of the client', async () => {
    await serve(true)
    const {client, otherClient} = files
    const ca = files.ca.certificate
    expect(await ask({ca, cert: client.certificate, key: client.key})).toMatchObject({kind: 'vector'})
    const refused = [
      await ask({ca}),
      await ask({ca, cert: otherClient.certificate, key: otherClient.key}),
      await ask({ca, cert: client.certificate, key: otherClient.key}),
    ]
    for (const answer of refused) expect(answer).toMatchObject({kind: 'error', reason: 'Unreachable'})
    expect(JSON.stringify(refused)).not.toContain('PRIVATE KEY')
  })
})
