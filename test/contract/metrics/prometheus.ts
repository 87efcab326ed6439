// Prometheus, and what other systems that speak its query API answer. The shapes are those of their documentation and
// sources; only Prometheus itself was really asked (test/cluster/prometheus).
import {createPrometheusMetrics} from '../../../analysis/providers/prometheus/index.ts'
import type {MetricsProvider, Reply} from './provider.ts'

const json = {'content-type': 'application/json'}

function success(data: object, extra: object = {}): Reply {
  return {status: 200, headers: json, body: JSON.stringify({status: 'success', data, ...extra})}
}
function vector(...result: object[]): Reply {
  return success({resultType: 'vector', result})
}
function matrix(...result: object[]): Reply {
  return success({resultType: 'matrix', result})
}
function failure(status: number, errorType: string, error: string): Reply {
  return {status, headers: json, body: JSON.stringify({status: 'error', errorType, error})}
}

const nativeHistogram = {count: '10', sum: '3.5', buckets: [[1, '0.25', '0.5', '10']]}
const labels = {__name__: 'up', instance: 'a:1'}
const many = Array.from({length: 200_001}, (_, index) => ({metric: {i: `${index}`}, value: [1, '1'], values: []}))

const vectors: MetricsProvider['vectors'] = [
  ['no series', vector(), []],
  ['a vector', vector({metric: labels, value: [1700000000.123, '0.5']}), [{labels, value: 0.5}]],
  [
    'NaN and infinities',
    vector(
      {metric: {a: '1'}, value: [1, 'NaN']},
      {metric: {a: '2'}, value: [1, '+Inf']},
      {metric: {a: '3'}, value: [1, '-Inf']},
    ),
    [
      {labels: {a: '1'}, value: Number.NaN},
      {labels: {a: '2'}, value: Number.POSITIVE_INFINITY},
      {labels: {a: '3'}, value: Number.NEGATIVE_INFINITY},
    ],
  ],
  ['a scalar', success({resultType: 'scalar', result: [1700000000, '7e+06']}), [{labels: {}, value: 7e6}]],
  [
    'warnings and infos (Prometheus, Thanos)',
    success({resultType: 'vector', result: []}, {warnings: ['x'], infos: ['y']}),
    [],
  ],
  [
    'statistics (VictoriaMetrics, Mimir)',
    success({resultType: 'vector', result: []}, {isPartial: false, stats: {seriesFetched: '1'}, trace: {}}),
    [],
  ],
]

const matrices: MetricsProvider['matrices'] = [
  ['no series', matrix(), []],
  [
    'a matrix with gaps, NaN and an infinity',
    matrix({
      metric: labels,
      values: [
        [1699999980, '1'],
        [1699999990.5, 'NaN'],
        [1700000000, '+Inf'],
      ],
    }),
    [
      {
        labels,
        points: [
          {at: 1_699_999_980_000, value: 1},
          {at: 1_699_999_990_500, value: Number.NaN},
          {at: 1_700_000_000_000, value: Number.POSITIVE_INFINITY},
        ],
      },
    ],
  ],
  [
    'series that differ in one label',
    matrix({metric: {...labels, le: '1'}, values: []}, {metric: {...labels, le: '+Inf'}, values: []}),
    [
      {labels: {...labels, le: '1'}, points: []},
      {labels: {...labels, le: '+Inf'}, points: []},
    ],
  ],
]

const failures: MetricsProvider['failures'] = [
  ['PromQL that is wrong', failure(400, 'bad_data', 'parse error'), 'BadQuery', /rejected the query: parse error/],
  ['a query that fails', failure(422, 'execution', 'many-to-many'), 'BadQuery', /rejected the query: many-to-many/],
  [
    'a limit of Mimir',
    failure(422, 'execution', 'the query exceeded the limit (err-mimir-max-series-per-query)'),
    'BadQuery',
    /err-mimir-max-series-per-query/,
  ],
  ['a Mimir without a tenant', {status: 401, body: 'no org id\n'}, 'Unauthorized', /HTTP 401/],
  [
    'Amazon without a right signature',
    {status: 403, headers: json, body: '{"message":"The request signature we calculated does not match"}'},
    'Unauthorized',
    /HTTP 403/,
  ],
  [
    'too many queries at once (Mimir)',
    failure(429, 'too_many_requests', 'too many outstanding requests'),
    'Unreachable',
    /can't answer \(HTTP 429\)/,
  ],
  [
    'a store of Thanos that is gone, as partial answers were refused',
    failure(422, 'execution', 'expanded matching posting: no store matched'),
    'BadQuery',
    /no store matched/,
  ],
  ['a time-out of Prometheus', failure(503, 'timeout', 'query timed out'), 'Timeout', /gave the query up/],
  ['a broken disk', failure(500, 'internal', 'disk'), 'Unreachable', /HTTP 500\): disk/],
  ['a gateway that gave up', {status: 504, body: '<html>504</html>'}, 'Timeout', /HTTP 504/],
  ['a gateway without a server', {status: 502, body: '<html>502</html>'}, 'Unreachable', /HTTP 502/],
  ['a page of a proxy', {status: 200, body: '<html>Sign in</html>'}, 'BadAnswer', /correct the address/],
  ['a wrong path', {status: 404, body: '404 page not found'}, 'BadAnswer', /correct the address/],
  ['half an answer', {status: 200, body: '{"status":"success","data":'}, 'BadAnswer', /correct the address/],
  ['nothing', {status: 200, body: ''}, 'BadAnswer', /correct the address/],
  ['an empty success', {status: 204, body: ''}, 'BadAnswer', /correct the address/],
  ['another API', {status: 200, body: '{"status":"success","data":[]}'}, 'BadAnswer', /correct the address/],
  ['a stream (Loki)', success({resultType: 'streams', result: []}), 'BadAnswer', /correct the address/],
  ['too many series', success({resultType: 'vector', result: many}), 'TooLarge', /more than 200000 series/],
]

const vectorFailures: MetricsProvider['vectorFailures'] = [
  [
    'part of the data (VictoriaMetrics)',
    success({resultType: 'vector', result: []}, {isPartial: true}),
    'BadAnswer',
    /partial/,
  ],
  ['a native histogram', vector({metric: {}, histogram: [1, nativeHistogram]}), 'BadAnswer', /histogram_quantile/],
  ['a matrix', matrix(), 'BadAnswer', /rate\(\)/],
  ['a string', success({resultType: 'string', result: [1, 'x']}), 'BadAnswer', /string/],
  ['a number as value', vector({metric: {}, value: [1, 5]}), 'BadAnswer', /correct the address/],
  ['an empty value', vector({metric: {}, value: [1, '']}), 'BadAnswer', /not a value/],
  ['a label that is no text', vector({metric: {a: 1}, value: [1, '5']}), 'BadAnswer', /correct the address/],
  [
    'a series twice, its labels in another order',
    vector({metric: {a: '1', b: '2'}, value: [1, '5']}, {metric: {b: '2', a: '1'}, value: [1, '5']}),
    'BadAnswer',
    /twice/,
  ],
]

const matrixFailures: MetricsProvider['matrixFailures'] = [
  [
    'part of the data (VictoriaMetrics)',
    success({resultType: 'matrix', result: []}, {isPartial: true}),
    'BadAnswer',
    /partial/,
  ],
  ['a vector', vector(), 'BadAnswer', /answered by a vector/],
  ['native histograms', matrix({metric: {}, histograms: [[1, nativeHistogram]]}), 'BadAnswer', /native histograms/],
  [
    'a series that became a native histogram',
    matrix({metric: {}, values: [[1, '1']], histograms: [[2, nativeHistogram]]}),
    'BadAnswer',
    /native histograms/,
  ],
  ['a point that is no value', matrix({metric: {}, values: [[1, '0x1']]}), 'BadAnswer', /not a value/],
  ['a series twice', matrix({metric: {}, values: []}, {metric: {}, values: []}), 'BadAnswer', /twice/],
  [
    'points in disorder',
    matrix({
      metric: {},
      values: [
        [2, '1'],
        [1, '1'],
      ],
    }),
    'BadAnswer',
    /order of their times/,
  ],
  [
    'two points at a time',
    matrix({
      metric: {},
      values: [
        [1, '1'],
        [1, '2'],
      ],
    }),
    'BadAnswer',
    /order of their times/,
  ],
]

export const prometheus: MetricsProvider = {
  name: 'prometheus',
  create: createPrometheusMetrics,
  paths: {query: '/api/v1/query', queryRange: '/api/v1/query_range'},
  empty: {query: vector(), queryRange: matrix()},
  vectors,
  matrices,
  failures,
  vectorFailures,
  matrixFailures,
}
