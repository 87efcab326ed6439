// Reads the Secret that a GitSync names. By name only: no Secret is ever listed.

import type {GitSyncSpec} from '../crds/git-sync.ts'
import type {KubeObject} from '../crds/meta.ts'
import type {ClusterAccess} from './cluster-access.ts'
import {type GitCredentials, tokenUsername} from './git-environment.ts'
import {GitError} from './git-error.ts'

/**
 * The credentials of a GitSync; undefined when it names none.
 * @throws GitError `AuthenticationFailed` when the Secret, or a key in it, is missing.
 */
export async function readCredentials(
  spec: GitSyncSpec,
  namespace: string,
  cluster: ClusterAccess,
): Promise<GitCredentials | undefined> {
  if (spec.auth === undefined) return undefined
  const {name} = spec.auth.secretRef
  const secret = await cluster.get({apiVersion: 'v1', kind: 'Secret', namespace, name})
  if (!secret) {
    throw new GitError(
      'AuthenticationFailed',
      `Secret ${namespace}/${name} (spec.auth.secretRef) does not exist: create it`,
    )
  }
  const credentials = credentialsOf(secret)
  if (!credentials) {
    throw new GitError(
      'AuthenticationFailed',
      `Secret ${namespace}/${name} (spec.auth.secretRef) needs the keys username and password (or token) for https, or identity and known_hosts for ssh`,
    )
  }
  return credentials
}

function credentialsOf(secret: KubeObject): GitCredentials | undefined {
  const identity = value(secret, 'identity')
  const knownHosts = value(secret, 'known_hosts')
  if (identity !== undefined && knownHosts !== undefined) return {kind: 'ssh', identity, knownHosts}
  const password = value(secret, 'password') ?? value(secret, 'token')
  if (password === undefined) return undefined
  return {kind: 'password', username: value(secret, 'username') ?? tokenUsername, password}
}

function value(secret: KubeObject, key: string): string | undefined {
  const encoded: unknown = secret.data?.[key]
  if (typeof encoded !== 'string' || encoded === '') return undefined
  return Buffer.from(encoded, 'base64').toString('utf8')
}
