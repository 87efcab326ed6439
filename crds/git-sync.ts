import {z} from 'zod'
import {condition, duration, localRef} from './common.ts'

export const gitSyncSpec = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(2048)
    .regex(/^(https:\/\/|ssh:\/\/|file:\/\/|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:)/)
    .describe(
      'Repository: https://, ssh://, user@host:path or, where the controller allows it, file://. No credentials in it.',
    ),
  ref: z
    .strictObject({
      branch: z.string().min(1).max(255).optional(),
      tag: z.string().min(1).max(255).optional(),
    })
    .prefault({branch: 'main'})
    .meta({
      description: 'What to follow: exactly one of branch and tag.',
      'x-kubernetes-validations': [
        {rule: 'has(self.branch) != has(self.tag)', message: 'set exactly one of branch and tag'},
      ],
    }),
  path: z
    .string()
    .max(1024)
    .default('.')
    .describe('Folder in the repository whose YAML and JSON files are applied, subfolders included.'),
  interval: duration.default('1m').describe('Time between two looks at the repository.'),
  timeout: duration.default('1m').describe('Longest time that one Git command may take.'),
  targetNamespace: z
    .string()
    .max(63)
    .optional()
    .describe('Namespace of objects that name none; that of the GitSync when unset.'),
  prune: z.boolean().default(true).describe('Remove objects that this GitSync applied and that Git no longer holds.'),
  auth: z
    .strictObject({
      secretRef: localRef.describe(
        'Secret with `username` and `password` (or `token`) for https, `identity` and `known_hosts` for ssh.',
      ),
    })
    .optional(),
  suspend: z.boolean().default(false),
})
export type GitSyncSpec = z.infer<typeof gitSyncSpec>

const inventoryEntry = z.strictObject({
  apiVersion: z.string().max(253),
  kind: z.string().max(63),
  namespace: z.string().max(63).optional(),
  name: z.string().max(253),
})
export type InventoryEntry = z.infer<typeof inventoryEntry>

export const gitSyncStatus = z.strictObject({
  observedGeneration: z.int().min(0).optional(),
  lastAppliedCommit: z.string().max(64).optional(),
  lastAttemptedCommit: z.string().max(64).optional(),
  lastAppliedTime: z.string().max(64).optional(),
  lastAppliedSubject: z.string().max(256).optional(),
  lastAppliedAuthor: z.string().max(256).optional(),
  message: z.string().max(2048).optional(),
  inventory: z.array(inventoryEntry).max(1000).optional(),
  conditions: z.array(condition).max(20).optional(),
})
export type GitSyncStatus = z.infer<typeof gitSyncStatus>
