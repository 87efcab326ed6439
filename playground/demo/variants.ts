// What a demo can be asked for. It imports nothing, since the command line loads it before anything is asked.

/** Mesh and strategy of a demo. */
export interface DemoVariant {
  mesh: (typeof demoMeshes)[number]
  strategy: (typeof demoStrategies)[number]
}

export const demoMeshes = ['istio', 'linkerd', 'gateway-api'] as const
export const demoStrategies = ['canary', 'blue-green', 'ab'] as const
