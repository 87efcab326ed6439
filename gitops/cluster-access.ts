// The part of the Cluster port that GitSync uses.
import type {Cluster} from '../controller/ports.ts'

export type ClusterAccess = Pick<Cluster, 'get' | 'list' | 'apply' | 'updateStatus' | 'mergePatch' | 'delete'>
