import { UNLIMITED } from '../limits/limit.ts'
import { NOTHING, statOf } from './usage.ts'
import type { ConnectionManagementScope, OwnedServiceScope, PeerScope, ProtocolScope, ResourceScopeSpan, ScopeStat, ServiceScope, StreamManagementScope } from './resource-scope.ts'
import type { Limit } from '../limits/limit.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * What a null scope is about, which is all that there is to know about it
 */
export interface NullScopeSubject {
  /** The peer that it stands for */
  readonly peer?: PeerId

  /** The protocol that it stands for */
  readonly protocol?: string

  /** The service that it stands for */
  readonly service?: string
}

/**
 * Accepts everything and remembers nothing, whatever kind of scope it is used as: for resource
 * managers of your own, and for protocols on nodes without one
 */
export class NullScope implements ConnectionManagementScope, StreamManagementScope {
  readonly name: string = 'null'
  readonly limit: Readonly<Limit> = UNLIMITED
  readonly allowlisted = false
  readonly peer?: PeerId
  readonly protocol?: string
  readonly service?: string

  /**
   * Its peer, protocol and service are for those who ask for them
   */
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
 * A scope of whatever kind, except those that have to say what they are about
 */
export function nullScope (): ConnectionManagementScope & StreamManagementScope {
  return NULL_SCOPE
}

/**
 * A scope that says what it is about. Who calls this knows what kind of scope has to say
 * that.
 */
export function nullScopeOf (subject: NullScopeSubject): StreamManagementScope & OwnedServiceScope & PeerScope & ProtocolScope & ServiceScope {
  return new NullScope(subject) as any
}
