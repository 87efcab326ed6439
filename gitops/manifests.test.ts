import {describe, expect, test} from 'vitest'
import {isManifestPath, maximumObjects, parseManifests, type SourceObject} from './manifests.ts'

function parse(text: string, path = 'a.yaml'): SourceObject[] {
  return parseManifests([{path, content: Buffer.from(text)}])
}

const head = 'apiVersion: v1\nkind: ConfigMap\n'

describe('manifests', () => {
  test('several documents, lists and JSON become objects; empty documents do not', () => {
    const list = 'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: c}}\n'
    const text = `# only a comment\n---\n${head}metadata: {name: a}\n---\n---\nnull\n---\n{}\n---\n${list}`
    const json = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"data":{"x":"\\u00e9"}}'
    const objects = [...parse(text), ...parse(json, 'b.json'), ...parse(' ')]
    expect(objects.map(({object, source}) => `${object.kind} ${object.metadata.name} ${source}`)).toEqual([
      'ConfigMap a "a.yaml", document 1',
      'Secret c "a.yaml", document 5, item 1',
      'ConfigMap b "b.json", document 1',
    ])
  })

  test('values are read as kubectl reads them', () => {
    const [found] = parse(`${head}metadata: {name: a}\nx: [0644, yes, off, 1:30, 2020-01-01, 1.5, ~, "0644", 0o17]\n`)
    expect(found?.object.x).toEqual([420, true, false, '1:30', '2020-01-01', 1.5, null, '0644', expect.anything()])
  })

  test('anchors and merges are written out', () => {
    const [found] = parse(`${head}metadata: {name: a}\nbase: &base {x: 1}\nmore: {<<: *base, z: 2}\n`)
    expect(found?.object.more).toEqual({x: 1, z: 2})
  })

  test('what only a server sets is dropped', () => {
    const [found] = parse(
      `${head}metadata: {name: a, uid: x, resourceVersion: "1", generation: 2, managedFields: [], creationTimestamp: null}\nstatus: {x: 1}\n`,
    )
    expect(found?.object).toEqual({apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'a'}})
  })

  test('only manifests are looked at', () => {
    const paths = [
      'a.yaml',
      'b/c.yml',
      'd.json',
      'README.md',
      '.github/x.yaml',
      'a/.hidden.yaml',
      'x/Kustomization',
      'yaml',
    ]
    expect(paths.filter(isManifestPath)).toEqual(['a.yaml', 'b/c.yml', 'd.json', 'x/Kustomization'])
  })
})

describe('a manifest is refused, with file, document and reason', () => {
  test.each([
    ['- a\n', /"a.yaml", document 1: not a mapping/],
    ['just words', /not a mapping/],
    [`${head}---\nkind: X`, /document 1: metadata.name of ConfigMap is missing/],
    ['kind: X\nmetadata: {name: a}', /apiVersion is missing/],
    ['apiVersion: v1\nmetadata: {name: a}', /kind is missing/],
    ['apiVersion: 1\nkind: X', /apiVersion is missing or not a text/],
    [`${head}metadata: {name: 12}`, /metadata.name/],
    [`${head}metadata: {name: a, namespace: 1}`, /metadata.namespace is not a text/],
    [`${head}metadata: {name: a, labels: {x: 1}}`, /metadata.labels: the value of "x" must be a text/],
    [`${head}metadata: {name: a, annotations: [x]}`, /metadata.annotations must be a mapping/],
    [
      `${head}metadata: {name: a}\n---\n${head}metadata: {name: a}`,
      /document 2: ConfigMap "a" is already in "a.yaml", document 1/,
    ],
    ['apiVersion: v1\nkind: List\nitems: {}', /items of List must be a list/],
    ['a: b: c', /invalid YAML at line 1, column/],
    [`${head}x: 1\nx: 2`, /invalid YAML at line 4, column 1: Map keys must be unique/],
    [`${head}x: !custom 1\nmetadata: {name: a}`, /invalid YAML at line 3/],
    [`${head}metadata: *gone`, /alias/i],
    [`${head}x: ${'['.repeat(200_000)}`, /"a.yaml"/],
    [`${head}metadata: {name: a}\nx: ${'y'.repeat(1024 * 1024)}`, /larger than/],
  ])('case %#', (text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({reason: 'InvalidManifest', message: expect.stringMatching(message)}),
    )
  })

  test('without quoting a value, which may be a secret', () => {
    const text = `apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: "hunter22\n  "x": hunter22 "hunter22": \n`
    const attempt = (): unknown => parse(text)
    expect(attempt).toThrow(/invalid YAML at line/)
    expect(attempt).not.toThrow(/hunter22/)
  })

  test('aliases that multiply', () => {
    const levels = Array.from(
      {length: 9},
      (_, level) => `a${level + 1}: &a${level + 1} [${Array(9).fill(`*a${level}`).join(', ')}]`,
    )
    expect(() => parse(`${head}a0: &a0 [x]\n${levels.join('\n')}`)).toThrow(/too many or unresolved YAML aliases/)
  })

  test('kustomizations and charts, with what to do instead', () => {
    const refused = {reason: 'NotSupported', message: expect.stringContaining('commit the output of')}
    const kustomize = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: a}'
    expect(() => parse('resources: []', 'x/kustomization.yaml')).toThrow(expect.objectContaining(refused))
    expect(() => parse('name: x', 'x/Chart.yaml')).toThrow(expect.objectContaining(refused))
    expect(() => parse(kustomize)).toThrow(expect.objectContaining(refused))
  })

  test('too many objects, and bytes that are not UTF-8', () => {
    const many = Array.from({length: maximumObjects + 1}, (_, index) => `${head}metadata: {name: a${index}}\n`)
    const files = many.map((text, index) => ({path: `${index}.yaml`, content: Buffer.from(text)}))
    expect(() => parseManifests(files)).toThrow(/more than 1000 objects/)
    expect(() => parseManifests([{path: 'x.yaml', content: Buffer.from([0xff, 0xfe])}])).toThrow(
      /"x.yaml" is not UTF-8/,
    )
  })
})
