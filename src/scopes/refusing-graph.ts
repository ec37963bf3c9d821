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
 * What the graph tells the outside. Every method must return quickly and must
 * not throw.
 */
export interface GraphObserver {
  /**
   * A request was refused or, where limits are not enforced, would have been
   */
  onRefusal(refusal: Refusal): void

  /**
   * Something gave way to somebody else or, where limits are not enforced, would have
   */
  onEviction(eviction: Eviction): void

  /**
   * Who asked for what is refused, for the error
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
   * Whether errors carry a stack trace, which costs more than all the rest of a
   * refusal
   */
  captureStackTraces: boolean
}

/**
 * What of a graph is about what does not fit: who may give way to it, and who is told that it is
 * refused
 */
export abstract class RefusingGraph extends LimitedGraph {
  /** Set where somebody may be banned */
  bans?: BanGate = undefined
  tracer?: GraphTracer = undefined
  readonly evictions = new EvictionCounts()

  /**
   * Who is asked, in this order, before something is refused. There is nobody in a graph
   * that no node uses.
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
   * @param refusal - why it does not fit, if so
   * @param newcomer - what does not fit
   * @param check - whether it still does not fit. It is called after each time that
   * something was ended.
   * @returns Why it does not fit now, if so
   */
  makeRoom (refusal: Refusal | undefined, newcomer: AggregateScope | OwnedScope, check: () => Refusal | undefined): Refusal | undefined {
    if (refusal == null) {
      return
    }

    this.idle.held++

    try {
      // a loop over an iterator takes several times as long, and refusals come in floods
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
   * Why memory cannot be reserved, if so, after whatever gives way has done so
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

    // who was told may have ended it, where limits are not enforced
    assertOpen(requester)

    return refusal
  }

  /**
   * Counts and reports what does not fit. The answer is what the caller has to
   * turn down: nothing where limits are not enforced.
   *
   * @param refusal
   * @param requester - what it was asked for, where the refusal does not know
   * @param joining - the peer, protocol or service that it was to become part of
   */
  refuse (refusal: Refusal | undefined, requester?: Refusal['requester'], joining?: string): Refusal | undefined {
    // nearly always, and this much is compiled into whoever calls it
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

    // what is refused is used after this
    this.idle.held++

    try {
      this.#tell(refusal)
    } finally {
      this.idle.held--
    }
  }

  /**
   * The limit of several nodes because of which something does not fit, if so
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
   * Counts and reports what gives way to somebody else
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
