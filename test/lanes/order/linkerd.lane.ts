// A file for each mesh: each has a worker of its own.
import {killsBeforeEveryWrite} from './kills.ts'

killsBeforeEveryWrite('linkerd')
killsBeforeEveryWrite('linkerd, borrowed')
