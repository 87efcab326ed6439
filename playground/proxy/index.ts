// The playground's mesh: a real weighted L7 proxy on loopback, configured by Services, EndpointSlices, and
// VirtualServices, HTTPRoutes or GRPCRoutes; it answers the latter as a gateway's controller or Linkerd's does.
//
//   const proxy = await startProxy({store, random: seededRandom(2), settings: {propagationMilliseconds: 100}})
//   await fetch(proxy.url, {headers: {'x-playground-host': 'checkout.shop'}})
//
// A request that the proxy had to answer itself carries the header `x-proxy-error`; `stats().dropped` counts them.
export {type Proxy, type ProxyError, type ProxyOptions, type ProxyStats, startProxy} from './proxy.ts'
export type {ProxySettings} from './settings.ts'
