// The contract of an API server, kept by the playground's emulator. The cluster lane runs it on kube-apiserver.
import {emulatorTarget} from './cluster/emulator.ts'
import {describeClusterContract} from './cluster/suite.ts'

describeClusterContract('emulator', emulatorTarget)
