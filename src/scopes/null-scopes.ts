import { UNLIMITED } from '../limits/limit.ts'
import { NOTHING, statOf } from './usage.ts'
import type { ConnectionManagementScope, OwnedServiceScope, PeerScope, ProtocolScope, ResourceScopeSpan, ScopeStat, ServiceScope, StreamManagementScope } from './resource-scope.ts'
import type { Limit } from '../limits/limit.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * What a null scope says of itself
 */
export interface NullScopeSubject {
  /** The peer, if it is the scope of one */
  readonly peer?: PeerId

  /** The protocol, if it is the scope of one */
  readonly protocol?: string

  /** The name of the service, if it is the scope of one */
  readonly service?: string
}

/**
 * A scope of any kind that accepts everything and counts nothing. It is for resource managers of your
 * own, and for protocols on nodes without one.
 */
export class NullScope implements ConnectionManagementScope, StreamManagementScope {
  readonly name: string = 'null'
  readonly limit: Readonly<Limit> = UNLIMITED
  readonly allowlisted = false
  readonly peer?: PeerId
  readonly protocol?: string
  readonly service?: string

  constructor ({ peer, protocol, service }: NullScopeSubject = {}) {
    this.peer = peer
    this.protocol = protocol
    this.service = service
  }

  get peerScope (): PeerScope | undefined {
    return this.peer && this as NullScope & PeerScope
  }

  get serviceScope (): ServiceScope | undefined {
    return this.service == null ? undefined : this as NullScope & ServiceScope
  }

  setLimit (): void {}
  setPeer (): void {}
  setProtocol (): void {}
  setService (): void {}
  reserveMemory (): void {}
  releaseMemory (): void {}
  reserveStream (): void {}
  releaseStream (): void {}
  reserveConnection (): void {}
  releaseConnection (): void {}
  release (): void {}
  done (): void {}
  [Symbol.dispose] (): void {}

  beginSpan (): ResourceScopeSpan {
    return NULL_SCOPE
  }

  stat (): ScopeStat {
    return statOf(NOTHING)
  }
}

const NULL_SCOPE = new NullScope()

/**
 * A scope of any kind that has no name of its own
 */
export function nullScope (): ConnectionManagementScope & StreamManagementScope {
  return NULL_SCOPE
}

/**
 * The scope of a peer, protocol or service. The caller knows which of these it needs.
 */
export function nullScopeOf (subject: NullScopeSubject): StreamManagementScope & OwnedServiceScope & PeerScope & ProtocolScope & ServiceScope {
  return new NullScope(subject) as any
}
