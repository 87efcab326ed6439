// How to connect to a Prometheus, in the words of Prometheus' own `http_config`: one document for the controller's own
// (a file) and for a MetricTemplate's (a key of a Secret).
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config
import {z} from 'zod'

const text = z.string().min(1).max(65_536)
/** What becomes part of a header. */
const line = text.regex(/^[ -~]*$/, 'must be one line of printable ASCII')

const basicAuth = z.strictObject({
  username: text.regex(/^[^:]*$/, 'must not hold a colon'),
  password: text.optional(),
  password_file: text.optional(),
})
const authorization = z.strictObject({
  type: line.default('Bearer'),
  credentials: line.optional(),
  credentials_file: text.optional(),
})
const tlsConfig = z.strictObject({
  ca: text.optional(),
  ca_file: text.optional(),
  cert: text.optional(),
  cert_file: text.optional(),
  key: text.optional(),
  key_file: text.optional(),
  server_name: text.optional(),
  insecure_skip_verify: z.boolean().default(false),
})
const sigv4 = z.strictObject({
  region: text,
  access_key: text,
  secret_key: text.optional(),
  secret_key_file: text.optional(),
  session_token: text.optional(),
  service: text.default('aps'),
})

/** Those that this configuration sets in other ways, or that frame the request. */
const reservedHeaders = new Set([
  'accept',
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const headerName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/)
  .refine(name => {
    const lower = name.toLowerCase()
    return !(reservedHeaders.has(lower) || lower.startsWith('proxy-') || lower.startsWith('x-amz-'))
  })

export const httpConfig = z.strictObject({
  basic_auth: basicAuth.optional(),
  authorization: authorization.optional(),
  sigv4: sigv4.optional(),
  tls_config: tlsConfig.optional(),
  http_headers: z
    .record(
      headerName,
      z.strictObject({values: z.array(line).max(16).optional(), secrets: z.array(line).max(16).optional()}),
    )
    .optional(),
})
export type HttpConfig = z.infer<typeof httpConfig>

/** What is wrong with a document, as `field: problem`, never with a value of it; undefined when nothing is. */
export function httpConfigProblem(document: unknown, files: 'allowed' | 'refused'): string | undefined {
  const parsed = httpConfig.safeParse(document)
  if (!parsed.success) {
    return issueText(parsed.error.issues[0])
  }
  const {basic_auth, authorization: bearer, sigv4: aws, tls_config: tls} = parsed.data
  const methods = [basic_auth && 'basic_auth', bearer && 'authorization', aws && 'sigv4'].filter(
    one => one !== undefined,
  )
  if (methods.length > 1) return `${methods.join(' and ')}: set at most one of them`
  const fields: [string, string | undefined, string | undefined, boolean][] = [
    ['basic_auth.password', basic_auth?.password, basic_auth?.password_file, basic_auth !== undefined],
    ['authorization.credentials', bearer?.credentials, bearer?.credentials_file, bearer !== undefined],
    ['sigv4.secret_key', aws?.secret_key, aws?.secret_key_file, aws !== undefined],
    ['tls_config.ca', tls?.ca, tls?.ca_file, false],
    ['tls_config.cert', tls?.cert, tls?.cert_file, false],
    ['tls_config.key', tls?.key, tls?.key_file, false],
  ]
  for (const [field, value, file, required] of fields) {
    if (file !== undefined && files === 'refused')
      return `${field}_file: a Secret of a namespace can't name files: write ${field}`
    if (value !== undefined && file !== undefined) return `${field}: set either it or ${field}_file`
    if (required && value === undefined && file === undefined) return `${field}: is missing`
  }
  if (((tls?.cert ?? tls?.cert_file) === undefined) !== ((tls?.key ?? tls?.key_file) === undefined)) {
    return 'tls_config: cert and key belong together'
  }
  return undefined
}

function issueText(issue: z.core.$ZodIssue | undefined): string {
  const field = issue?.path.join('.') || 'document'
  if (issue?.code === 'unrecognized_keys') return `${field}: unknown field ${issue.keys.join(', ')}`
  if (issue?.code === 'invalid_key') return `${field}: is no header that can be set here`
  return `${field}: ${issue?.message ?? 'invalid'}`
}
