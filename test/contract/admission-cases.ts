// Changes of a Rollout that the API server refuses by the rules of its definition once a slot serves, and those that it
// takes: held against the emulator and, in a lane, against a real kube-apiserver.

const targetRef = {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'}

export const sound = {targetRef, traffic: {istio: {}}, strategy: {canary: {stepWeight: 10}}}

export const template = {
  metadata: {labels: {app: 'x'}},
  spec: {containers: [{name: 'app', image: 'x:1', ports: [{containerPort: 1}]}]},
}

/** Instead of the target. */
export const source = (other: object) => ({targetRef: undefined, ...other})

/** A status from which on a slot serves. */
export const serving = {
  primary: {slot: 'a', revision: 'v1-1234567890', image: 'app:1', filledAt: '2026-01-01T00:00:00Z'},
}

const istio = (settings: object) => ({traffic: {istio: settings}})
const virtualService = (more: object = {}) => istio({virtualService: {name: 'shop', ...more}})
const gatewayAPI = (settings: object) => ({traffic: {gatewayAPI: settings}})
const parentRefs = [{name: 'public'}]
const linkerd = (settings: object) => ({traffic: {linkerd: settings}})
const route = {name: 'shop', rules: ['one', 'two']}

/** What would leave requests at a slot that Fairlead no longer looks after. */
export const abandoning: [string, object, object][] = [
  ['the mesh', istio({}), linkerd({})],
  ['the mesh', gatewayAPI({parentRefs}), {traffic: {none: {}}}],
  ['spec.service.name', {}, {service: {name: 'cart'}}],
  ['spec.service.name', {service: {name: 'cart'}}, {}],
  ['spec.service.name', source({template}), source({template, service: {name: 'cart'}})],
  ['virtualService', virtualService(), istio({virtualService: {name: 'other'}})],
  ['virtualService', virtualService(), istio({})],
  ['virtualService', istio({}), virtualService()],
  ['virtualService', virtualService({routes: ['one', 'two']}), virtualService({routes: ['one']})],
  ['virtualService', virtualService({routes: ['one']}), virtualService({routes: ['two']})],
  ['virtualService', virtualService(), virtualService({routes: ['one']})],
  ['delegate', istio({delegate: true}), istio({})],
  ['delegate', istio({}), istio({delegate: true})],
  ['delegate', virtualService(), istio({delegate: true})],
  ...[gatewayAPI, linkerd].flatMap((traffic): [string, object, object][] => {
    const own = traffic(traffic === gatewayAPI ? {parentRefs} : {})
    return [
      ['the borrowed route', traffic({route}), traffic({route: {...route, name: 'other'}})],
      ['the borrowed route', traffic({route}), traffic({route: {...route, rules: ['two']}})],
      ['the borrowed route', traffic({route: {name: 'shop'}}), traffic({route})],
      ['the borrowed route', traffic({route}), traffic({route: {...route, kind: 'GRPCRoute'}})],
      ['the borrowed route', traffic({route}), own],
      ['the borrowed route', own, traffic({route})],
    ]
  }),
]

/** What users change from day to day. */
export const harmless: [string, object, object][] = [
  ['hosts and gateways', istio({hosts: ['a.example.com'], gateways: ['infra/a']}), istio({gateways: ['infra/b']})],
  ['the settling time', virtualService(), {traffic: {istio: {virtualService: {name: 'shop'}, settlingTime: '9s'}}}],
  ['the data plane', istio({}), istio({dataPlane: 'ambient', waypoint: 'namespace'})],
  ['who else writes a borrowed route', virtualService(), virtualService({ownership: 'shared'})],
  ['a further rule', virtualService({routes: ['one']}), virtualService({routes: ['two', 'one']})],
  ['every rule', virtualService({routes: ['one']}), virtualService()],
  ['a further rule of a route', gatewayAPI({route}), gatewayAPI({route: {...route, rules: ['two', 'three', 'one']}})],
  ['every rule of a route', linkerd({route}), linkerd({route: {name: 'shop', kind: 'HTTPRoute'}})],
  [
    'parents, hosts and the class',
    gatewayAPI({parentRefs}),
    gatewayAPI({
      parentRefs: [{name: 'other', namespace: 'infra'}],
      hosts: ['shop.example.com'],
      gatewayClass: {controllerName: 'x'},
      port: 80,
    }),
  ],
  ['the port', linkerd({port: 80}), linkerd({port: 81})],
  ["the Service's name, as it is anyway", {}, {service: {name: 'checkout'}}],
  ['the ports', {}, {service: {ports: [{port: 80}]}}],
  ['who moves the selector', {service: {selector: 'shared'}}, {service: {selector: 'exclusive'}}],
  ['who moves the selector, back', {}, {service: {selector: 'shared'}}],
  ['the strategy', {}, {strategy: {canary: {steps: [{weight: 5}]}}}],
]
