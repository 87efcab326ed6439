/** RFC 3339 with whole seconds, as metav1.Time. */
export function timestamp(nowMilliseconds: number): string {
  return `${new Date(nowMilliseconds).toISOString().slice(0, 19)}Z`
}
