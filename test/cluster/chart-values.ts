// Value files as people write them, by what they are about.

const secrets = {
  names: [{namespace: 'chart-shop', name: 'git-credentials'}],
  namespaces: ['chart-infra'],
  trackedNamespaces: ['chart-shop'],
}

export const variants: Readonly<Record<string, object>> = {
  defaults: {},
  'one namespace': {namespace: 'chart-shop', secrets: {trackedNamespaces: ['chart-shop']}},
  'everything on': {
    secrets,
    serviceMonitor: {enabled: true, labels: {release: 'prometheus'}},
    prometheusRule: {enabled: true, labels: {release: 'prometheus'}},
    networkPolicy: {
      enabled: true,
      metricsFrom: [{namespaceSelector: {matchLabels: {'kubernetes.io/metadata.name': 'monitoring'}}}],
      prometheusTo: [{podSelector: {matchLabels: {app: 'prometheus'}}, namespaceSelector: {}}],
    },
    admissionPolicy: {
      enabled: true,
      exemptUsers: ['system:serviceaccount:kube-system:namespace-controller', 'break-glass'],
    },
    gitSync: {
      clusterRole: 'edit',
      rules: [{apiGroups: ['batch'], resources: ['cronjobs'], verbs: ['get', 'create', 'patch', 'delete']}],
    },
  },
  'the pods arranged': {
    replicaCount: 3,
    image: {repository: 'registry.example.com:5000/team/fairlead', digest: `sha256:${'0123456789abcdef'.repeat(4)}`},
    imagePullSecrets: [{name: 'registry'}],
    podAnnotations: {'example.com/team': 'platform'},
    podLabels: {team: 'platform'},
    nodeSelector: {'kubernetes.io/os': 'linux'},
    tolerations: [{key: 'dedicated', operator: 'Exists', effect: 'NoSchedule'}],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {matchExpressions: [{key: 'kubernetes.io/arch', operator: 'In', values: ['amd64', 'arm64']}]},
          ],
        },
      },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: {matchLabels: {'app.kubernetes.io/name': 'fairlead'}},
      },
    ],
    priorityClassName: 'system-cluster-critical',
    terminationGracePeriodSeconds: 60,
    resources: {requests: {cpu: '100m', memory: '256Mi'}, limits: {memory: '1Gi'}},
    controller: {logLevel: 'debug', extraEnv: [{name: 'HTTPS_PROXY', value: 'http://proxy:3128'}]},
    podDisruptionBudget: {enabled: false},
  },
  'names and accounts of others': {
    fullnameOverride: 'releases',
    serviceAccount: {create: false, name: 'delivery'},
    rbac: {create: false},
    crds: {install: false},
    meshes: {istio: false, gatewayAPI: true},
  },
}
