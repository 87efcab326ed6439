// Wald's sequential probability ratio test with known rates: no test of the same two errors needs fewer requests on average.

export interface Sprt {
  /** ln of the upper boundary: accept that the rate is the higher one. */
  upper: number
  lower: number
  perError: number
  perSuccess: number
  /** Requests that are needed on average, about, when the higher or the lower rate is true. */
  requestsIfHigh: number
  requestsIfLow: number
  /** Requests without an error that accept the lower rate. */
  cleanRequests: number
}

/** Kullback-Leibler divergence of two Bernoulli laws, in nats. */
export function divergence(p: number, q: number): number {
  return (p === 0 ? 0 : p * Math.log(p / q)) + (p === 1 ? 0 : (1 - p) * Math.log((1 - p) / (1 - q)))
}

export function sprt(low: number, high: number, alpha: number, beta: number): Sprt {
  const upper = Math.log((1 - beta) / alpha)
  const lower = Math.log(beta / (1 - alpha))
  const perError = Math.log(high / low)
  const perSuccess = Math.log((1 - high) / (1 - low))
  return {
    upper,
    lower,
    perError,
    perSuccess,
    requestsIfHigh: upper / divergence(high, low),
    requestsIfLow: -lower / divergence(low, high),
    cleanRequests: Math.ceil(lower / perSuccess),
  }
}
