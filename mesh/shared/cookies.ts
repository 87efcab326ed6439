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
  const pairs = cookies.map(({name, value}) => `${escaped(name)}=${escaped(value)}`)
  const orders = permutations(pairs).map(order => order.join('; ?(?:.*; ?)?'))
  return `(?:.*; ?)?${orders.length === 1 ? orders[0] : `(?:${orders.join('|')})`}(?:;.*)?`
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
