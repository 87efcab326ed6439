// Cookies in headers: a user stays with a version by one.

export interface Cookie {
  name: string
  value: string
}

/**
 * Regular expression (RE2) for the whole of a Cookie header that has all of these. Cookies have no order and RE2 looks at a
 * place once, so every order is an alternative.
 */
export function cookiePattern(cookies: readonly Cookie[]): string {
  return patternOf(ordersOf(cookies))
}

/**
 * The same as several expressions, any one of which is enough: each with as many orders as fit into so many characters, or
 * with one that doesn't fit.
 */
export function cookiePatterns(cookies: readonly Cookie[], maximumLength: number): string[] {
  const groups: string[][] = []
  for (const order of ordersOf(cookies)) {
    const group = groups.at(-1)
    if (group && patternOf([...group, order]).length <= maximumLength) group.push(order)
    else groups.push([order])
  }
  return groups.map(patternOf)
}

function patternOf(orders: readonly string[]): string {
  return `(?:.*; ?)?${orders.length === 1 ? orders[0] : `(?:${orders.join('|')})`}(?:;.*)?`
}

function ordersOf(cookies: readonly Cookie[]): string[] {
  const pairs = cookies.map(({name, value}) => `${escaped(name)}=${escaped(value)}`)
  return permutations(pairs).map(order => order.join('; ?(?:.*; ?)?'))
}

function permutations(items: readonly string[]): string[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map(rest => [item, ...rest]))
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

/** Value of a Set-Cookie header: the browser sends it back to every path, and scripts don't see it. */
export function setCookie({name, value}: Cookie, maxAgeSeconds: number): string {
  return `${name}=${value}; Max-Age=${maxAgeSeconds}; Path=/; HttpOnly; SameSite=Lax`
}
