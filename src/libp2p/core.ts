import type { MetricsSource } from '../reporting/metric-family.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { Logger, MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What the wiring has of a resource manager. Nothing here throws what is refused: an attacker
 * makes refusals the hot path, and so they are answers.
 */
export interface Core {
  readonly log: Logger

  /**
   * Whether what does not fit is refused, or only counted and reported
   */
  readonly enforces: boolean

  /**
   * Whether the rates of connections are limited
   */
  readonly limitsRates: boolean
  readonly metricsSource: Pick<MetricsSource, 'graph'>

  tryOpenConnection(direction: MessageStreamDirection, usefd: boolean, endpoint?: Multiaddr): DefaultConnectionScope | Refusal
  forgetConnection(connection: DefaultConnectionScope): void
  tryOpenStream(peer: PeerId, direction: MessageStreamDirection, connection?: ConnectionScope): DefaultStreamScope | Refusal
  refuseProtocolByRate(protocol: string, stream: DefaultStreamScope): Refusal | undefined
  refuse(refusal: Refusal | undefined, requester?: Refusal['requester'], joining?: string): Refusal | undefined
  errorOf(refusal: Refusal): Error
  warn(message: string): void

  // who is trusted, and who is who

  isAllowlisted(address?: Multiaddr): boolean
  isTrustedPeer(peer: PeerId): boolean
  isTrusted(peer: PeerId, connection: Pick<ConnectionScope, 'allowlisted'>): boolean
  isProxy(address: Multiaddr): boolean
  forwardedFor(header: string): string | undefined
  hostOf(address: Multiaddr): string | undefined
}
