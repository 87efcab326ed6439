/** How quick the model's pods and mesh are, unless a test is about that: pods come and go in seconds, and proxies hear of it. */
export const settings = {
  startMilliseconds: 1000,
  terminationMilliseconds: 0,
  propagationMilliseconds: 250,
  settlingMilliseconds: 1000,
}
