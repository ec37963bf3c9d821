import type { MovableNode } from './movable-node.ts'
import type { AnyRefusal } from './refusal.ts'

/**
 * Has a say in what becomes part of a service, besides the scopes, and is told what
 * does
 */
export interface ServiceGate {
  /**
   * Why it may not be part of the service, if so
   */
  findRefusal(node: Pick<MovableNode, 'inbound' | 'kind'>, service: string): AnyRefusal | undefined

  /**
   * It has become part of the service
   */
  joined(node: MovableNode, service: string): void
}
