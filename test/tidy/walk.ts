// Walks a syntax tree without knowing its node types.
import {type Node, visitorKeys} from 'oxc-parser'

/** Any node, with its fields readable by name. */
export type AnyNode = Node & {[field: string]: unknown}

/** Direct children, in the order of the source. */
function childrenOf(node: Node): AnyNode[] {
  const fields = node as AnyNode
  return (visitorKeys[node.type] ?? []).flatMap(key => {
    const value = fields[key]
    return (Array.isArray(value) ? value : [value]).filter(isNode)
  })
}

/** Calls `visit` for the node and everything below it; `ancestors` is outermost first. */
export function walk(
  node: Node,
  visit: (node: AnyNode, ancestors: readonly AnyNode[]) => void,
  ancestors: readonly AnyNode[] = [],
): void {
  const own = node as AnyNode
  visit(own, ancestors)
  const below = [...ancestors, own]
  for (const child of childrenOf(own)) walk(child, visit, below)
}

export function isNode(value: unknown): value is AnyNode {
  return value !== null && typeof value === 'object' && 'type' in value && typeof value.type === 'string'
}

/** Name of an identifier, or undefined. */
export function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Identifier' ? value.name : undefined
}
