import { AggregateScope } from '../scopes/aggregate-scope.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { MEMORY_PRIORITY_ALWAYS } from '../scopes/memory-priority.ts'
import { Rule } from '../scopes/refusal.ts'
import { ServiceSpanScope } from '../scopes/service-span-scope.ts'
import { SpanScope } from '../scopes/span-scope.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { counterpart } from './counterpart.ts'
import { NamedPeer } from './named-peer.ts'
import type { Refused, WhatIfGraph } from './what-if-graph.ts'
import type { BaseCosts } from '../manager/opening.ts'
import type { PeerShareScope } from '../scopes/aggregate-scope.ts'
import type { AnyScope, GraphTracer } from '../scopes/graph-tracer.ts'
import type { MovableScope } from '../scopes/movable-scope.ts'
import type { OwnedScope } from '../scopes/owned-scope.ts'
import type { Usage } from '../scopes/usage.ts'

/**
 * Repeats what happens in a real graph in one with other limits
 */
export class ShadowTracer implements GraphTracer {
  readonly #shadow: WhatIfGraph<object>
  readonly #baseCosts: () => BaseCosts
  readonly #onAdmitted: () => void

  /**
   * @param shadow
   * @param baseCosts - what connections and streams cost in themselves
   * @param onAdmitted - something was refused that fits into the other limits
   */
  constructor (shadow: WhatIfGraph<object>, baseCosts: () => BaseCosts, onAdmitted: () => void) {
    this.#shadow = shadow
    this.#baseCosts = baseCosts
    this.#onAdmitted = onAdmitted
  }

  created (scope: AnyScope): void {
    if (scope instanceof ServiceSpanScope) {
      this.#shadow.openService(scope, scope.owner.key)
    } else if (scope instanceof SpanScope) {
      this.#shadow.openSpan(scope, this.#placeOf(scope.owner))
    }
  }

  /**
   * The other graph forgets for itself what is idle
   */
  destroyed (): void {}

  entered (scope: MovableScope): void {
    this.#open(scope, scope.memory, true)
  }

  joined (scope: MovableScope, { whole }: PeerShareScope): void {
    if (whole.kind === 'protocol') {
      this.#shadow.setProtocol(scope, whole.key)
    } else {
      this.#shadow.setService(scope, whole.key)
    }
  }

  moved (scope: MovableScope, [peerScope]: AggregateScope[]): void {
    this.#shadow.setPeer(scope, peerScope.peer, scope.allowlisted)
  }

  ended (scope: OwnedScope): void {
    this.#shadow.close(scope)
  }

  buffered (scope: MovableScope, size: number): void {
    this.#shadow.addBuffers(scope, size)
  }

  added ([scope]: AnyScope[], usage: Usage, priority: number = MEMORY_PRIORITY_ALWAYS): void {
    if (usage.memory > 0) {
      this.#shadow.reserveMemory(this.#placeOf(scope), usage.memory, priority)
    }

    this.#reserve(scope, usage)
  }

  removed ([scope]: AnyScope[], usage: Usage): void {
    if (usage.memory > 0) {
      this.#shadow.releaseMemory(this.#placeOf(scope), usage.memory)
    }

    this.#release(scope, usage)
  }

  refused (refusal: Refused): void {
    const scope = refusal.requester

    // limits by address, rates and bans do not depend on the limits of scopes
    if (isOfScope(refusal) && this.#fits(refusal, scope)) {
      this.#onAdmitted()
    }
  }

  evicted (): void {}

  ban (): void {}

  /**
   * Reserves one by one what a service holds itself
   *
   * @returns Whether all of it fits
   */
  #reserve (scope: AnyScope, usage: Usage, isHeld = true): boolean {
    let fits = true

    for (let i = 0; i < usage.streamsInbound + usage.streamsOutbound; i++) {
      fits = this.#shadow.reserveStream(scope, i < usage.streamsInbound, isHeld) && fits
    }

    for (let i = 0; i < usage.connsInbound + usage.connsOutbound; i++) {
      fits = this.#shadow.reserveConnection(scope, i < usage.connsInbound, i < usage.fd, isHeld) && fits
    }

    return fits
  }

  #release (scope: AnyScope, usage: Usage): void {
    for (let i = 0; i < usage.streamsInbound + usage.streamsOutbound; i++) {
      this.#shadow.releaseStream(scope, i < usage.streamsInbound)
    }

    for (let i = 0; i < usage.connsInbound + usage.connsOutbound; i++) {
      this.#shadow.releaseConnection(scope, i < usage.connsInbound, i < usage.fd)
    }
  }

  #placeOf (scope: AnyScope): object {
    return scope instanceof AggregateScope ? counterpart(this.#shadow.graph, scope) : scope
  }

  /**
   * Whether something that was refused fits into the other limits
   */
  #fits (refusal: Refused, scope: unknown): boolean {
    const { added, attempted, joining, priority = MEMORY_PRIORITY_ALWAYS, resource } = refusal

    if (joining != null) {
      return this.#joins(scope, joining)
    }

    if ((scope instanceof DefaultConnectionScope || scope instanceof DefaultStreamScope) && !this.#shadow.knows(scope)) {
      const { connection, stream } = this.#baseCosts()

      return this.#open(scope, scope instanceof DefaultConnectionScope ? connection : stream, false)
    }

    if (scope instanceof ServiceSpanScope && added != null) {
      return this.#reserve(scope, added, false)
    }

    return resource === 'memory' && typeof scope === 'object' && scope !== null && this.#shadow.reserveMemory(this.#placeOf(scope as AnyScope), attempted, priority, false)
  }

  #open (scope: MovableScope, cost: number, isOpen: boolean): boolean {
    const { inbound } = scope
    const trusted = isOpen && scope.allowlisted

    if (scope instanceof DefaultConnectionScope) {
      const { endpoint, usefd } = scope

      return this.#shadow.openConnection(scope, { inbound, cost, trusted, usefd, endpoint }, isOpen)
    }

    const { connection, peerScope: { peer } } = scope as DefaultStreamScope

    return this.#shadow.openStream(scope, { inbound, cost, trusted, peer, connection }, isOpen)
  }

  #joins (scope: unknown, joining: string): boolean {
    if (scope instanceof DefaultStreamScope) {
      return scope.protocolPeer === undefined ? this.#shadow.setProtocol(scope, joining, true) : this.#shadow.setService(scope, joining, true)
    }

    if (!(scope instanceof DefaultConnectionScope)) {
      return false
    }

    if (scope.peerScope !== undefined) {
      return this.#shadow.setService(scope, joining, true)
    }

    return this.#shadow.setPeer(scope, new NamedPeer(joining), scope.allowlisted, true)
  }
}

/**
 * Whether the limit of a scope refused it, not one by address, rate or the like
 */
function isOfScope ({ refuser }: Refused): boolean {
  return !(refuser instanceof Rule)
}
