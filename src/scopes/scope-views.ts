import type { ConnectionScope, PeerScope, ProtocolScope, ResourceScopeSpan, ScopeStat, ServiceScope, StreamScope } from './resource-scope.ts'
import type { Limit } from '../limits/limit.ts'

/**
 * The part of a scope that users of the connection or stream get. They cannot close or move the scope
 * or change its limit: otherwise a mistake in a handler could leave an open stream uncounted.
 * go-libp2p has the same distinction, but only in its types.
 */
abstract class ScopeView<S extends ConnectionScope | StreamScope> {
  readonly #scope: S

  constructor (scope: S) {
    this.#scope = scope
  }

  /**
   * The scope behind a view, or what was passed if that is no view of this copy of the package
   */
  static scopeOf (value: unknown): unknown {
    return typeof value === 'object' && value !== null && #scope in value ? value.#scope : value
  }

  /** For subclasses */
  protected get viewed (): S {
    return this.#scope
  }

  get name (): string {
    return this.#scope.name
  }

  get limit (): Readonly<Limit> {
    return this.#scope.limit
  }

  get allowlisted (): boolean {
    return this.#scope.allowlisted
  }

  get peerScope (): PeerScope | undefined {
    return this.#scope.peerScope
  }

  get serviceScope (): ServiceScope | undefined {
    return this.#scope.serviceScope
  }

  setService (service: string): void {
    this.#scope.setService(service)
  }

  reserveMemory (size: number, priority?: number): void {
    this.#scope.reserveMemory(size, priority)
  }

  releaseMemory (size: number): void {
    this.#scope.releaseMemory(size)
  }

  beginSpan (): ResourceScopeSpan {
    return this.#scope.beginSpan()
  }

  stat (): ScopeStat {
    return this.#scope.stat()
  }

  toString (): string {
    return String(this.#scope)
  }
}

export class ConnectionScopeView extends ScopeView<ConnectionScope> implements ConnectionScope {}

export class StreamScopeView extends ScopeView<StreamScope> implements StreamScope {
  get protocolScope (): ProtocolScope | undefined {
    return this.viewed.protocolScope
  }
}

/**
 * The scope behind a view, or what was passed if that is no view
 */
export function unwrapScope <T> (value: T): T {
  return ScopeView.scopeOf(value) as T
}
