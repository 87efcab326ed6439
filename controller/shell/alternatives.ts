// Regular expressions for given texts and nothing else, as they stand between the double quotes of PromQL.

/** For just this text: names of Kubernetes objects and what meshes make of them. */
export function literal(value: string): string {
  const escaped = (character: string) => `\\\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  return value.replace(/[\0-\x7f]/g, one => (/[a-zA-Z0-9_/:-]/.test(one) ? one : one === '.' ? '[.]' : escaped(one)))
}

/** For each of these texts; what several of them begin with is written once. */
export function alternatives(values: readonly string[]): string {
  return branches([...new Set(values)].sort()).join('|')
}

/** One expression per first character; the texts are sorted. */
function branches(values: readonly string[]): string[] {
  const byFirst = new Map<string, string[]>()
  for (const value of values) {
    const first = value.slice(0, 1)
    const known = byFirst.get(first)
    if (known) known.push(value)
    else byFirst.set(first, [value])
  }
  return [...byFirst.values()].map(own => {
    const [first = ''] = own
    if (own.length === 1) return literal(first)
    const length = commonLength(first, own.at(-1) ?? '')
    return literal(first.slice(0, length)) + group(own.map(value => value.slice(length)))
  })
}

/** What follows on a common beginning: at least two texts, one of which may be empty. */
function group(rests: readonly string[]): string {
  const some = rests.filter(rest => rest !== '')
  const mark = some.length < rests.length ? '?' : ''
  if (some.every(rest => /^[a-zA-Z0-9]$/.test(rest))) {
    return some.length === 1 ? `${some.join('')}${mark}` : `[${some.join('')}]${mark}`
  }
  return `(?:${branches(some).join('|')})${mark}`
}

/** Of sorted texts the first and the last differ soonest. */
function commonLength(first: string, last: string): number {
  let length = 0
  while (length < first.length && first[length] === last[length]) length++
  return length
}
