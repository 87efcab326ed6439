// What a Dockerfile must not lose, since no image is built here: pinned bases, an unprivileged user, nothing from the net
// but packages. test/cluster/image.lane.ts carries its COPY and build steps out.
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {parse} from 'yaml'
import {root} from '../../scripts/steps.ts'
import {instructionsOf} from './dockerfile.ts'

const instructions = instructionsOf(readFileSync(join(root, 'Dockerfile'), 'utf8'))
const argumentsOf = (keyword: string) => instructions.filter(one => one.keyword === keyword).map(one => one.text)

test('the base images are an argument that nobody set a default for', () => {
  expect(argumentsOf('ARG')).toEqual(['NODE_IMAGE'])
  expect(argumentsOf('FROM').map(text => text.split(' ')[0])).toEqual(['${NODE_IMAGE}', '${NODE_IMAGE}'])
})

test('nothing is added from the net', () => {
  expect(argumentsOf('ADD')).toEqual([])
  expect(argumentsOf('RUN').filter(text => /curl|wget|https?:/.test(text))).toEqual([])
})

test('it runs as a number that /etc/passwd knows and the chart names', () => {
  const [user = ''] = argumentsOf('USER')
  expect(user).toMatch(/^[1-9][0-9]*:[1-9][0-9]*$/)
  const [uid, gid] = user.split(':')
  expect(argumentsOf('RUN').join(' ')).toContain(`useradd --uid ${uid} --gid ${gid} `)
  const deployment = readFileSync(join(root, 'charts/fairlead/templates/deployment.yaml'), 'utf8')
  expect(deployment).toContain(`runAsUser: ${uid}\n`)
  expect(deployment).toContain(`runAsGroup: ${gid}\n`)
})

test('what a GitSync calls is installed', () => {
  const [packages = ''] = argumentsOf('RUN').filter(text => text.includes('apt-get install'))
  for (const name of ['ca-certificates', 'git', 'openssh-client', 'util-linux']) expect(packages).toContain(` ${name}`)
})

test('the chart has the version of the package', () => {
  const chart = parse(readFileSync(join(root, 'charts/fairlead/Chart.yaml'), 'utf8')) as Record<string, string>
  const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {version: string}
  expect([chart['version'], chart['appVersion']]).toEqual([version, version])
})
