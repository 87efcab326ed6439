// The controller's configuration: one validated object, built in main. Nothing else reads flags or the environment.
import {z} from 'zod'
import {meshes} from '../../mesh/registry.ts'
import {logLevels} from './log.ts'

const namesOfMeshes = Object.keys(meshes)

/** Texts between commas; an empty text holds none. */
const commaSeparated = z.string().transform(text => text.split(',').filter(one => one !== ''))

const controllerConfig = z.strictObject({
  kubeconfig: z.string().min(1).optional(),
  context: z.string().min(1).optional(),
  /** Value of KUBECONFIG. */
  kubeconfigVariable: z.string().optional(),
  prometheus: z.url({protocol: /^https?$/, error: 'must be an address such as http://prometheus.monitoring:9090'}),
  /** File that says how to connect to it. */
  prometheusConfig: z.string().min(1).optional(),
  namespace: z.string().min(1).optional(),
  /** Meshes that are looked at; all when absent. */
  meshes: commaSeparated
    .refine(names => names.every(name => namesOfMeshes.includes(name)), {
      error: `must be names of meshes between commas: ${namesOfMeshes.join(', ')}`,
    })
    .optional(),
  /** Namespaces in which Rollouts may track Secrets; all that are looked at when absent. */
  secretNamespaces: commaSeparated.optional(),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.coerce.number().int().min(0).max(65_535).default(8080),
  logLevel: z.enum(logLevels).default('info'),
  gitCache: z.string().min(1),
  allowFileRepositories: z.boolean().default(false),
  leaderElection: z.enum(['on', 'off']).default('off'),
  /** Namespace of the Lease; that of the connection when absent. */
  leaderElectionNamespace: z.string().min(1).optional(),
  leaderElectionId: z.string().min(1).max(63).default('fairlead'),
  concurrency: z.coerce.number().int().min(1).max(64).default(8),
  searchPath: z.string().optional(),
})
export type ControllerConfig = z.infer<typeof controllerConfig>

/** The validated configuration. @throws Error that names the option, what is wrong and the fix */
export function parseConfig(options: Record<string, unknown>): ControllerConfig {
  const parsed = controllerConfig.safeParse(options)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const option = String(issue?.path[0] ?? '').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  throw new Error(`--${option}: ${issue?.message ?? 'invalid'}`)
}
