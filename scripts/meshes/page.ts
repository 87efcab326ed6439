// docs/meshes.md: what works beside which mesh, from the registry and the tests that show it.
import {meshes} from '../../mesh/registry.ts'
import {features, type Support} from '../../mesh/types.ts'
import {type Evidence, evidence, type MeshName, type Row} from './evidence.ts'
import {implementationsSection} from './implementations.ts'

const titles: Readonly<Record<Row, string>> = {
  canary: 'Canary, by steps',
  blueGreen: 'Blue/green, with a preview Service',
  abTest: 'A/B, beside a weight for the others',
  matchHeaders: 'Match: headers',
  matchCookies: 'Match: cookies',
  matchQueryParams: 'Match: query parameters',
  matchSourceLabels: "Match: the caller's labels",
  matchSourceNamespace: "Match: the caller's namespace",
  matchSourceRegion: "Match: the caller's region",
  mirror: 'Mirroring',
  mirrorPercent: 'Mirroring, with a percentage',
  sticky: 'Sticky users, per version',
  borrowedRoute: 'A route of yours',
  grpc: 'gRPC',
  tcp: 'TCP',
  gateways: 'Callers outside, by gateways',
  insideCallers: 'Callers inside, by the name of the Service',
  baseline: 'Baseline: a fresh copy of the primary',
  comparison: 'Built-in metrics of both versions',
  previewMetrics: 'Built-in metrics of tests, by the preview Service',
  circuitBreaker: 'Circuit breaker on the canary',
  rateLimit: 'Rate limit on the canary',
  faults: "Faults on the canary's calls",
  plaintextGate: 'Gate: no plaintext request',
}

type Strategy = 'canary' | 'blueGreen' | 'abTest'

const strategies: Readonly<Record<Strategy, string>> = {
  canary: 'weights of the route',
  blueGreen: 'all of the weight at once; the preview Service is plain Kubernetes',
  abTest: 'matches, and weights for whoever meets none',
}

/** The same where the selector of the Service is the route. */
const strategiesBySelector: Readonly<Record<Strategy, Support>> = {
  canary: {
    works: true,
    how: "approximate: the Service selects both slots, and the share is that of the canary's pods beside all of the primary's, from one pod up to half of them",
  },
  blueGreen: {works: true, how: 'exact: the selector of the Service moves'},
  abTest: {works: false, why: 'without a mesh nobody looks into a request'},
}

const rows: readonly Row[] = ['canary', 'blueGreen', 'abTest', ...features]
const names = Object.keys(meshes) as MeshName[]

/** Lanes in which real proxies carry real requests. */
const realTraffic = /^test\/cluster\/(istio|gateway|envoy|kube-proxy)\//

/** How a mesh has a row, or why it lacks it. */
export function supportOf(mesh: MeshName, row: Row): Support {
  if (!isStrategy(row)) return meshes[mesh].features[row]
  return meshes[mesh].bySelector ? strategiesBySelector[row] : {works: true, how: strategies[row]}
}

function isStrategy(row: Row): row is Strategy {
  return row in strategies
}

export function meshesPage(notice: string): string {
  return [
    `<!-- ${notice} -->`,
    '# Meshes and strategies',
    '',
    'What works beside which mesh. Each **yes** names the test that shows it, further down; **yes, tried** is one with real proxies and real requests (Envoy 1.40, told by the real istiod or Envoy Gateway; without a mesh, kube-proxy 1.34 with nftables). A **no** has its reason there, and a Rollout that asks for it is refused before anything is made: `UnsupportedByMesh`, with the field.',
    '',
    `| | ${names.map(name => `\`${name}\``).join(' | ')} |`,
    `|---|${names.map(() => '---').join('|')}|`,
    ...rows.map(row => `| ${titles[row]} | ${names.map(name => cell(name, row)).join(' | ')} |`),
    '',
    ...prose,
    ...implementationsSection,
    ...names.flatMap(section),
  ].join('\n')
}

function cell(mesh: MeshName, row: Row): string {
  if (!supportOf(mesh, row).works) return 'no'
  if (meshes[mesh].bySelector && row === 'canary') return 'approximate'
  return realTraffic.test(evidence[mesh][row]?.file ?? '') ? 'yes, tried' : 'yes'
}

function section(mesh: MeshName): string[] {
  return [
    '',
    `## \`${mesh}\``,
    '',
    '| | how, or why not | shown by |',
    '|---|---|---|',
    ...rows.map(row => {
      const support = supportOf(mesh, row)
      const shown = evidence[mesh][row]
      return `| ${titles[row]} | ${support.works ? support.how : `no: ${support.why}`} | ${shown ? link(shown) : ''} |`
    }),
  ]
}

function link({file, test}: Evidence): string {
  return `[${file.split('/').at(-1)}](../${file}): ${test.replaceAll('|', '\\|')}`
}

const prose = [
  '## What the words mean',
  '',
  '- **Apart**: what one slot gets whatever its share: requests that match, users with its cookie, copies. The status shows it under `status.traffic.wanted.apart`; it is confirmed as a weight is, and judged with everything else that the slot answers.',
  '- **Sticky** users: whoever the new version has answered stays with it while the release lasts, through every change of the weight, and goes back with a rollback, since the cookie names the revision. Whoever the old version has answered stays until the weight changes. Callers that keep no cookies are shared out by weight.',
  '- **Mirroring**: copies of requests whose answers nobody sees. What they write is written: mirror only what may happen twice. Copies count for the canary, so checks can fail on them before a user meets it; requests that match wait until the steps with mirror are over.',
  '- **Weights** are whole percent, and no mesh rounds them: Envoy (Istio, Envoy Gateway and others) draws a number below the sum of the weights for every request, Linkerd does by the weights of the backends that are ready, NGINX Gateway Fabric shares out by percentages with two decimals, Traefik takes turns. What differs from the weight is chance, or the callers: a connection that stays open, a user who is sticky.',
  "- **A route of yours**: by default Fairlead makes the route, which goes with the Rollout: callers inside then go to the Service, and callers through a gateway nowhere, until there is another route for the host. Put yours in place before you delete the Rollout, or borrow it from the beginning. `virtualService` (Istio) and `route` (Gateway API, Linkerd) borrow yours: the destinations of its rules that lead to the Service are Fairlead's, everything else stays. A list of rules has one owner in server-side apply, so a release is refused (`RouteOwnedElsewhere`, with the setting for Argo CD or Flux) while another tool manages it, unless `ownership: shared` says that you have told it. `delegate: true` (Istio) needs none of that: your VirtualService delegates to one of Fairlead's.",
  '- **What cannot change once a slot serves**: which mesh it is, a borrowed route (that it is borrowed, its name and kind, and the rules that are: further ones may come), `delegate`, and `service.name`. The place before would go on leading to a slot that has no pods after the next release, so the API server refuses the change. Delete the Rollout, which gives the target and the route back without losing a request, and create it again; where it has a `template` its pods go with it, so move the callers to another one first. Until a slot was chosen (`status.primary`) nothing was touched, and all of it may be corrected. Hosts, gateways, `parentRefs`, `gatewayClass`, ports, `ownership` and times may change always: the route follows in one write. `service.selector` may too: with `shared` the selector is given back at once, as it was.',
  "- **The API's limits**: Fairlead's own route has three rules (Gateway API) or two (Linkerd), of the 16 that a route may have, and adds none to one of yours, but a second backend to the rules that lead to the Service. Matches that would break a limit (64 in a rule, 4,096 characters for a header, 1,024 for a query parameter) are refused as `InvalidMatch` with their field.",
  "- **Safeguards** hold for the canary's slot from before its first request until it is about to get everything: they go first, and the switch comes a settling time later, so that nobody meets a limit with the whole of the traffic. They go with the release, also after a crash. A circuit breaker that has left out all of its pods makes the canary's share fail: that is a rollback, soon. A rate limit answers 429, which is no failure of the canary.",
  "- **Faults** are a chaos gate: during a step the canary's calls to the named Services are delayed or fail, and its own checks must hold. They meet calls by the Service's name, not by address. They are there only while their step is being judged: a release that is paused or without a verdict in time has none, and one that goes on is judged anew once they are back. A step that waits to be told (`pause: {}`) is judged under them first. After a pause for want of a verdict they stay away until somebody sets `fairlead.dev/skip-step` or `fairlead.dev/abort`, or `spec.pause` on and off again, which tries the step once more.",
  "- **TCP** (Istio): the weights are part of the callers' listeners, and stand for new connections alone. A connection that opens at the very moment of a change may be reset: one in about 2,000 was, at one change.",
  "- **Without a mesh** (`none`) the apex Service's own selector moves. Blue/green is exact. A canary is *approximate*: kube-proxy shares connections out evenly over the pods, so one canary pod beside three primary pods gets a quarter, whatever the weight says (tried: one of five got a fifth); `kubectl get rollouts` shows the pods, as in `Weight 5, 1 of 4 pods`. The number of the primary's pods stays, so weights end at 50. Nobody counts requests per version: checks are thresholds with a query of yours.",
  "- **The ambient data plane** of Istio (`dataPlane: ambient`): the route is the same, read by the waypoint of the Service, whose metrics are read. The Service has to use one (label `istio.io/use-waypoint`), for without it the weights have no effect: a release is refused (`NoWaypoint`) unless the label is there, or `waypoint: namespace` says that the namespace has it. The slots' Services need no label: istiod gives the waypoint whatever the route leads to. Callers by label, rate limits and faults are refused there. It has been tried by nobody here.",
  "- **Authorization policies that name a version** go on working where they select pods: the pods of a slot keep every label of your template, `version` among them, and run as your ServiceAccount, so a policy for `version: v2` holds for whichever slot has v2, and one that admits callers by your ServiceAccount still does. In the ambient data plane such a policy is enforced by ztunnel, which knows connections alone, and the caller that it sees is the waypoint. A policy there whose `targetRefs` name the apex Service holds for every request to that Service, whichever slot answers it, since istiod attaches it to the Service that was called: the slots' Services need none for that. It can't tell versions apart, and it does not hold for a caller who names `<target>-a` or `<target>-b`: where callers might, name those two in `targetRefs` as well. With Linkerd a Server selects pods in the same way; an AuthorizationPolicy for one of your HTTPRoutes holds for the requests of that route.",
]
