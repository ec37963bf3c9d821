import { limitField } from '../limits/setting.ts'
import { withoutStackTrace } from '../util/without-stack-trace.ts'
import { AggregateScope } from './aggregate-scope.ts'
import { EvictionCounts } from './evictions.ts'
import { findMemoryRefusal } from './find-refusal.ts'
import { LimitedGraph } from './limited-graph.ts'
import { assertOpen, Rule, scopeClosedError } from './refusal.ts'
import type { BanGate } from './ban-gate.ts'
import type { Eviction } from './evictions.ts'
import type { GraphTracer } from './graph-tracer.ts'
import type { OwnedScope } from './owned-scope.ts'
import type { Refusal } from './refusal.ts'
import type { RoomMaker } from './room-maker.ts'
import type { SharedLimit } from './shared-limit.ts'
import type { ResourceLimitExceededError } from '../errors.ts'
import type { Limiter } from '../limits/limiter.ts'

/**
 * Is told what happens in the graph. Its methods must be quick and must not throw.
 */
export interface GraphObserver {
  /**
   * A request was refused or, if limits are not enforced, would have been
   */
  onRefusal(refusal: Refusal): void

  /**
   * Something gave way or, if limits are not enforced, would have
   */
  onEviction(eviction: Eviction): void

  /**
   * Properties that tell the requester, for the error
   */
  requesterOf?(refusal: Refusal): object | undefined

  /**
   * More was released than was held
   */
  onOverRelease(scope: string, resource: string, released: number, held: number): void
}

export interface RefusingGraphInit {
  limiter: Limiter
  observer: GraphObserver

  /**
   * Whether what does not fit is refused, or only counted and reported
   */
  enforce: boolean

  /**
   * Whether errors have a stack trace, which costs more than the rest of the refusal
   */
  captureStackTraces: boolean
}

/**
 * The part of the graph that handles what does not fit: it lets others give way, and counts and
 * reports refusals
 */
export abstract class RefusingGraph extends LimitedGraph {
  /** Set if there are bans */
  bans?: BanGate = undefined
  tracer?: GraphTracer = undefined
  readonly evictions = new EvictionCounts()

  /**
   * Asked in this order before something is refused. Only a node has any.
   */
  readonly roomMakers: RoomMaker[] = []

  /**
   * Whether what does not fit is refused, or only counted and reported
   */
  readonly enforce: boolean

  readonly #observer: GraphObserver
  readonly #captureStackTraces: boolean

  constructor (init: RefusingGraphInit) {
    super(init.limiter)
    this.#observer = init.observer
    this.enforce = init.enforce
    this.#captureStackTraces = init.captureStackTraces
  }

  get canMakeRoom (): boolean {
    return this.roomMakers.length > 0
  }

  /**
   * Lets others give way to something that does not fit
   *
   * @param refusal - why it does not fit. Without one, there is nothing to do.
   * @param newcomer - what does not fit
   * @param check - called each time something was ended: answers why it still does not fit, if so
   * @returns Why it does not fit in the end, if so
   */
  makeRoom (refusal: Refusal | undefined, newcomer: AggregateScope | OwnedScope, check: () => Refusal | undefined): Refusal | undefined {
    if (refusal == null) {
      return
    }

    this.idle.held++

    try {
      // not `of`, which takes several times as long: refusals come in floods
      for (let i = 0; i < this.roomMakers.length; i++) {
        while (refusal != null && this.roomMakers[i].makeRoom(refusal, newcomer)) {
          refusal = check()
        }
      }
    } finally {
      this.idle.held--
    }

    return refusal
  }

  /**
   * Lets others give way, and answers why the memory cannot be reserved all the same, if so
   *
   * @throws {ResourceScopeClosedError} If one of the scopes is closed
   */
  refuseMemory (requester: AggregateScope | OwnedScope, size: number, priority: number): Refusal | undefined {
    const find = (): Refusal | undefined => {
      const scope = requester.firstWithoutMemory(size, priority)

      if (scope?.closed === true) {
        throw scopeClosedError(requester, scope)
      }

      return scope == null ? undefined : findMemoryRefusal(requester, scope, size, priority)
    }

    const refusal = this.refuse(this.makeRoom(find(), requester, find))

    // an observer may have ended it, and without enforcement it would go on
    assertOpen(requester)

    return refusal
  }

  /**
   * Counts and reports a refusal
   *
   * @param refusal
   * @param requester - the scope or address that the request was for, if the refusal does not say
   * @param joining - the peer, protocol or service that the requester was to join
   * @returns What the caller has to refuse: nothing if limits are not enforced
   */
  refuse (refusal: Refusal | undefined, requester?: Refusal['requester'], joining?: string): Refusal | undefined {
    // nearly always `undefined`: V8 inlines this much into the callers
    return refusal == null ? undefined : this.#refuse(refusal, requester, joining)
  }

  #refuse (refusal: Refusal, requester?: Refusal['requester'], joining?: string): Refusal | undefined {
    if (requester !== undefined) {
      refusal.requester = requester
      refusal.joining = joining
    }

    const { refuser } = refusal

    if (this.limitCap !== undefined) {
      refusal.shared ??= this.sharedLimit(refusal)
    }

    if (refuser instanceof AggregateScope) {
      refuser.refusals++
    } else if (refuser instanceof Rule && refuser.scope instanceof AggregateScope) {
      refuser.scope.refusals++
    }

    if (this.enforce) {
      this.#tell(refusal)

      return refusal
    }

    // without enforcement, the caller goes on to use the scopes
    this.idle.held++

    try {
      this.#tell(refusal)
    } finally {
      this.idle.held--
    }
  }

  /**
   * The shared limit because of which something does not fit, if it is one
   */
  sharedLimit ({ direction, refuser, resource, shared }: Refusal): SharedLimit | undefined {
    return refuser instanceof AggregateScope ? this.limitCap?.sharedLimit(refuser, limitField(resource as 'connection', direction)) : shared
  }

  #tell (refusal: Refusal): void {
    this.#observer.onRefusal(refusal)
    this.bans?.refused(refusal)
    this.tracer?.refused(refusal)
  }

  /**
   * Counts and reports that something has given way
   */
  gaveWay (eviction: Eviction): void {
    this.evictions.add(eviction)
    this.#observer.onEviction(eviction)
    this.bans?.evicted(eviction)
    this.tracer?.evicted(eviction)
  }

  errorOf (refusal: Refusal): ResourceLimitExceededError {
    const error = this.#captureStackTraces ? refusal.toError() : withoutStackTrace(() => refusal.toError())

    return Object.assign(error, this.#observer.requesterOf?.(refusal))
  }

  reportOverRelease (scope: { name: string }, resource: string, released: number, held: number): void {
    this.#observer.onOverRelease(scope.name, resource, released, held)
  }
}
