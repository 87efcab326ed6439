// Every label, annotation and manager name that Fairlead writes, in one table: they are API, and never change silently.

export const group = 'fairlead.dev'
export const version = 'v1alpha1'
export const apiVersion = `${group}/${version}`

/** The one field manager of the controller's server-side applies. */
export const fieldManager = 'fairlead'
/** The field manager under which a GitSync applies what Git holds. */
export const gitSyncFieldManager = 'fairlead-gitsync'

export const labels = {
  /** Name of the Rollout that an object belongs to; on slot pods, slots, Services, copies, snapshots and routes. */
  rollout: 'fairlead.dev/rollout',
  /** `a` or `b`; on slot pods, slot workloads and slot Services. */
  slot: 'fairlead.dev/slot',
  /** `true` on the pods and the workload of a baseline: a fresh copy of the primary's version beside a canary. */
  baseline: 'fairlead.dev/baseline',
  /** `true` on the Service that reaches the version under test. */
  preview: 'fairlead.dev/preview',
} as const

export const annotations = {
  /** uid of the Rollout that made the object. */
  owner: 'fairlead.dev/rollout-uid',
  /** Revision name that a slot or snapshot holds. */
  revision: 'fairlead.dev/revision',
  /** RFC 3339 time at which a slot was filled with its revision. */
  filledAt: 'fairlead.dev/filled-at',
  /** Git commit (full hash) that an applied object came from. */
  commit: 'fairlead.dev/commit',
  /** `Name <address>` of that commit's author. */
  commitAuthor: 'fairlead.dev/commit-author',
  /** First line of that commit's message. */
  commitSubject: 'fairlead.dev/commit-subject',
  /** Replica count that Git gives for a target whose `spec.replicas` a GitSync stripped. */
  replicas: 'fairlead.dev/replicas',
  /** Selector, as JSON, that Git gives for an apex Service whose `spec.selector` a GitSync stripped. */
  selector: 'fairlead.dev/selector',
  /** Hash of the manifest that was last applied: lets the shell skip an apply that would change nothing. */
  applied: 'fairlead.dev/applied',
  /** `namespace/name` of the GitSync that applied an object. */
  gitSync: 'fairlead.dev/git-sync',
  /** One-shot commands: `<revision>[@token]`. */
  retry: 'fairlead.dev/retry',
  abort: 'fairlead.dev/abort',
  promote: 'fairlead.dev/promote',
  skipStep: 'fairlead.dev/skip-step',
  endBake: 'fairlead.dev/end-bake',
} as const

/** Name of a node that nobody has: a DaemonSet whose pods ask for it has none. */
export const parkedNodeName = 'parked.fairlead.dev'

/**
 * Name from which those of the slots are made, and that of the apex Service where none is given: the target's, else the
 * Rollout's own. @param spec of a Rollout, whatever else it holds
 */
export function baseNameOf(rollout: string, spec: {targetRef?: {name?: string} | undefined} | undefined): string {
  return spec?.targetRef?.name ?? rollout
}

/** The Rollout's finalizer. */
export const finalizer = 'fairlead.dev/rollout'
/** The GitSync's finalizer. */
export const gitSyncFinalizer = 'fairlead.dev/git-sync'
