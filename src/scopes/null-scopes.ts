import { UNLIMITED } from '../limits/limit.ts'
import { NOTHING, statOf } from './refusal.ts'
import type { ConnectionScope, OwnedServiceScope, PeerScope, ProtocolScope, ResourceScopeSpan, ScopeStat, ServiceScope, StreamScope } from './resource-scope.ts'
import type { Limit } from '../limits/limit.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Accepts everything and remembers nothing
 */
class NullSpan implements ResourceScopeSpan {
  readonly name: string = 'null'
  readonly limit: Readonly<Limit> = UNLIMITED

  setLimit (): void {}
  reserveMemory (): void {}
  releaseMemory (): void {}
  release (): void {}
  done (): void {}
  [Symbol.dispose] (): void {}

  beginSpan (): ResourceScopeSpan {
    return NULL_SPAN
  }

  stat (): ScopeStat {
    return statOf(NOTHING)
  }
}

const NULL_SPAN: ResourceScopeSpan = new NullSpan()

class NullPeerScope extends NullSpan implements PeerScope {
  readonly peer: PeerId

  constructor (peer: PeerId) {
    super()
    this.peer = peer
  }
}

class NullProtocolScope extends NullSpan implements ProtocolScope {
  readonly protocol: string

  constructor (protocol: string) {
    super()
    this.protocol = protocol
  }
}

class NullServiceScope extends NullSpan implements OwnedServiceScope, ServiceScope {
  readonly service: string

  constructor (service: string) {
    super()
    this.service = service
  }

  get serviceScope (): ServiceScope {
    return this
  }

  reserveStream (): void {}
  releaseStream (): void {}
  reserveConnection (): void {}
  releaseConnection (): void {}
}

class NullConnectionScope extends NullSpan implements ConnectionScope {
  readonly allowlisted = false
  setPeer (): void {}
  setService (): void {}
}

class NullStreamScope extends NullSpan implements StreamScope {
  readonly allowlisted = false
  readonly #peer?: PeerId

  constructor (peer?: PeerId) {
    super()
    this.#peer = peer
  }

  get peerScope (): PeerScope | undefined {
    return this.#peer == null ? undefined : new NullPeerScope(this.#peer)
  }

  setProtocol (): void {}
  setService (): void {}
}

export function nullScope (): ResourceScopeSpan {
  return NULL_SPAN
}

export function nullPeerScope (peer: PeerId): PeerScope {
  return new NullPeerScope(peer)
}

export function nullProtocolScope (protocol: string): ProtocolScope {
  return new NullProtocolScope(protocol)
}

export function nullServiceScope (service: string): OwnedServiceScope & ServiceScope {
  return new NullServiceScope(service)
}

export function nullConnectionScope (): ConnectionScope {
  return NULL_CONNECTION_SCOPE
}

export function nullStreamScope (peer?: PeerId): StreamScope {
  return peer == null ? NULL_STREAM_SCOPE : new NullStreamScope(peer)
}

const NULL_CONNECTION_SCOPE: ConnectionScope = new NullConnectionScope()
const NULL_STREAM_SCOPE: StreamScope = new NullStreamScope()
