// The pods of a DaemonSet, beside the model's mesh.
import {killsBeforeEveryWrite} from './kills.ts'

killsBeforeEveryWrite('daemonSet')
