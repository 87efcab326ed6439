// Every link of a page to another one, or to a heading, leads somewhere.
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {dirname, join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, test} from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'charts/fairlead/README.md',
  ...readdirSync(join(root, 'docs'), {recursive: true, encoding: 'utf8'})
    .filter(file => file.endsWith('.md'))
    .map(file => `docs/${file}`),
]

/** Headings as GitHub names them in a link. */
function anchorsOf(page: string): string[] {
  const headings = readFileSync(join(root, page), 'utf8').matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test.each(pages)('%s', page => {
  const text = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '')
  const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter(target => !target.includes('://'))
    .filter(target => {
      const [file = '', anchor] = target.split('#')
      const to = file === '' ? page : relative(root, join(root, dirname(page), file))
      if (!existsSync(join(root, to))) return true
      return anchor !== undefined && !anchorsOf(to).includes(anchor)
    })
  expect(broken).toEqual([])
})
