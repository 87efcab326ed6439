// The contract of an API server, kept by the real one.
import {inject} from 'vitest'
import {loadConnection} from '../../controller/shell/kube-config.ts'
import {describeClusterContract} from '../contract/cluster/suite.ts'

describeClusterContract('kube-apiserver', async () => ({
  connection: loadConnection({kubeconfig: inject('kubeconfig')}),
  close: async () => {},
}))
