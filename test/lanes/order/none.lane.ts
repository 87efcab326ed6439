// A file for each mesh, and for none: each has a worker of its own.
import {killsBeforeEveryWrite} from './kills.ts'

killsBeforeEveryWrite('none')
