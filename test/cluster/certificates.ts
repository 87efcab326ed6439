// A certificate authority for the time of a test, by the openssl command: Node can't issue certificates.
import {execFileSync} from 'node:child_process'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'

export interface KeyPair {
  certificate: string
  key: string
}

export interface CertificateAuthority {
  /** Path of the authority's own certificate. */
  readonly certificate: string
  /** Issues a serving certificate for names and addresses, such as `DNS:localhost` and `IP:127.0.0.1`. */
  server(name: string, subjectAlternativeNames: readonly string[]): KeyPair
  /** Issues a client certificate: Kubernetes takes the common name for the user, organizations for its groups. */
  client(name: string, user: string, groups: readonly string[]): KeyPair
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc']
const validDays = '2'

function openssl(...args: string[]): void {
  execFileSync('openssl', args, {stdio: ['ignore', 'ignore', 'pipe']})
}

/** Makes an authority whose files lie in `folder`. @throws Error when openssl is missing */
export function createAuthority(folder: string): CertificateAuthority {
  const certificate = join(folder, 'ca.crt')
  const authorityKey = join(folder, 'ca.key')
  const extensions = [
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  ]
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    validDays,
    '-subj',
    '/CN=fairlead-lane',
    ...extensions,
    '-keyout',
    authorityKey,
    '-out',
    certificate,
  )
  const issue = (name: string, subject: string, extension: string): KeyPair => {
    const paths = {certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`)}
    const request = join(folder, `${name}.csr`)
    const extensionFile = join(folder, `${name}.ext`)
    writeFileSync(extensionFile, extension)
    openssl('req', '-new', ...newKey, '-subj', subject, '-keyout', paths.key, '-out', request)
    const authority = ['-CA', certificate, '-CAkey', authorityKey, '-CAcreateserial']
    openssl(
      'x509',
      '-req',
      '-in',
      request,
      ...authority,
      '-days',
      validDays,
      '-extfile',
      extensionFile,
      '-out',
      paths.certificate,
    )
    return paths
  }
  return {
    certificate,
    server: (name, names) =>
      issue(name, `/CN=${name}`, `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth\n`),
    client: (name, user, groups) =>
      issue(name, `${groups.map(group => `/O=${group}`).join('')}/CN=${user}`, 'extendedKeyUsage=clientAuth\n'),
  }
}
