// A real Prometheus behind TLS with client certificates, and behind a password: what the provider sends is accepted, and
// nothing else is.
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {createPrometheusMetrics} from '../../../analysis/providers/prometheus/index.ts'
import type {MetricAnswer} from '../../../controller/ports.ts'
import {systemClock} from '../../../controller/shell/clock.ts'
import {httpConfigFile} from '../../../controller/shell/http-config.ts'
import {freePort} from '../../../playground/free-port.ts'
import {type CertificateAuthority, createAuthority} from '../certificates.ts'
import {type RunningProcess, startProcess, untilUp} from '../process.ts'

/** "correct horse" with bcrypt, cost 4: Prometheus takes passwords in this form alone. */
const passwordHash = '$2b$04$Y0lrS5rC4SUWwqFhpo2IOutYzpNh.rYpieRDRy7j9E6WvcxgPICu2'
const password = 'correct horse'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-connection-'))
const running: RunningProcess[] = []
let authority: CertificateAuthority
let address = ''

beforeAll(async () => {
  authority = createAuthority(folder)
  const {certificate, key} = authority.server('prometheus', ['DNS:prometheus.test', 'IP:127.0.0.1'])
  const web = join(folder, 'web.yml')
  const tls = {
    cert_file: certificate,
    key_file: key,
    client_ca_file: authority.certificate,
    client_auth_type: 'RequireAndVerifyClientCert',
  }
  writeFileSync(web, JSON.stringify({tls_server_config: tls, basic_auth_users: {fairlead: passwordHash}}))
  const configuration = join(folder, 'prometheus.yml')
  writeFileSync(configuration, '{}')
  mkdirSync(join(folder, 'data'))
  const port = await freePort()
  address = `https://127.0.0.1:${port}`
  const prometheus = startProcess(
    'prometheus',
    [
      `--config.file=${configuration}`,
      `--web.config.file=${web}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    {logFile: join(folder, 'log')},
  )
  running.push(prometheus)
  await untilUp('prometheus', prometheus, async () => (await ask(document())).kind === 'vector', 30_000)
})

afterAll(async () => {
  await Promise.all(running.map(one => one.stop('SIGKILL')))
  rmSync(folder, {recursive: true, force: true})
})

/** What is accepted, with changes. */
function document(change: object = {}, tls: object = {}): object {
  const {certificate, key} = authority.client('client', 'fairlead', [])
  return {
    basic_auth: {username: 'fairlead', password},
    tls_config: {ca_file: authority.certificate, cert_file: certificate, key_file: key, ...tls},
    ...change,
  }
}

/** Asks as a file says, through the controller's own reading of it. */
async function ask(config: object): Promise<MetricAnswer> {
  const file = join(folder, 'connection.yaml')
  writeFileSync(file, JSON.stringify(config))
  const metrics = createPrometheusMetrics({address, httpConfig: httpConfigFile(file, systemClock())})
  return metrics.query({query: 'vector(42)', at: Date.now()})
}

describe('a Prometheus behind TLS, client certificates and a password', () => {
  test('accepts what the file says', async () => {
    expect(await ask(document())).toMatchObject({kind: 'vector', samples: [{value: 42}]})
  })

  test('by the name in its certificate', async () => {
    expect(await ask(document({}, {server_name: 'prometheus.test'}))).toMatchObject({kind: 'vector'})
    expect(await ask(document({}, {server_name: 'other.test'}))).toMatchObject({reason: 'Unreachable'})
  })

  test('refuses a wrong password', async () => {
    const wrong = await ask(document({basic_auth: {username: 'fairlead', password: 'wrong'}}))
    expect(wrong).toMatchObject({kind: 'error', reason: 'Unauthorized'})
    expect(JSON.stringify(wrong)).not.toContain('wrong')
  })

  test('is not trusted without its authority, unless told so', async () => {
    const {tls_config: tls} = document() as {tls_config: {cert_file: string; key_file: string}}
    const {cert_file, key_file} = tls
    expect(await ask(document({tls_config: {cert_file, key_file}}))).toMatchObject({reason: 'Unreachable'})
    expect(await ask(document({tls_config: {cert_file, key_file, insecure_skip_verify: true}}))).toMatchObject({
      kind: 'vector',
    })
  })

  test('refuses a client without a certificate', async () => {
    const config = {ca: readFileSync(authority.certificate, 'utf8')}
    expect(await ask(document({tls_config: config}))).toMatchObject({kind: 'error', reason: 'Unreachable'})
  })
})
