import { InfiniteLimits } from '../limits/infinite-limits.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { Refusal, Rule } from '../scopes/refusal.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { invalid } from '../util/validation.ts'
import { override } from './override.ts'
import type { MovableScope } from '../scopes/movable-scope.ts'
import type { OwnedScope } from '../scopes/owned-scope.ts'
import type { ConnectionManagementScope, ResourceScopeSpan, StreamManagementScope } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { MessageStreamDirection, PeerId, Startable } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Optional methods of the scope of a connection, stream or span
 */
type CustomMemory = Partial<Pick<ResourceScopeSpan, 'reserveMemory' | 'releaseMemory'>> & {
  beginSpan?(): Pick<ResourceScopeSpan, 'done'> & CustomMemory
}

/**
 * What your resource manager returns for a connection. `done` is called once, when it has
 * closed.
 */
export type CustomConnectionScope = Pick<ConnectionManagementScope, 'setPeer' | 'done'> & Partial<Pick<ConnectionManagementScope, 'setService'>> & CustomMemory

/**
 * What your resource manager returns for a stream. `done` is called once, when it has closed.
 */
export type CustomStreamScope = Pick<StreamManagementScope, 'setProtocol' | 'done'> & Partial<Pick<StreamManagementScope, 'setService'>> & CustomMemory

/**
 * A resource manager of somebody else's. Its methods throw what they refuse, in the same
 * step: a `ResourceLimitExceededError` or any other error. `ResourceManager` has all of it.
 */
export interface CustomResourceManager extends Partial<Startable> {
  /**
   * Called before a socket is dialled, and when one was accepted
   *
   * @param direction
   * @param usefd - whether it uses a file descriptor
   * @param endpoint - the address of the other end, if it is known
   * @throws {Error} what the connection is refused for
   */
  openConnection(direction: MessageStreamDirection, usefd: boolean, endpoint?: Multiaddr): CustomConnectionScope

  /**
   * Called when either end opens a stream, before its protocol is negotiated
   *
   * @param peer
   * @param direction
   * @param connection - what it answered for the connection that the stream is opened on
   * @throws {Error} what the stream is refused for
   */
  openStream(peer: PeerId, direction: MessageStreamDirection, connection?: any): CustomStreamScope
}

/**
 * Options for our limits, which have no effect where the manager is somebody else's
 */
const OWN_LIMITS = ['limits', 'profile', 'maxMemory', 'maxConnections', 'allowlist', 'subnetLimits', 'rateLimits', 'networks', 'trustedNetworks', 'fairness'] as const

/**
 * Options with which only the manager that was passed refuses anything
 *
 * @throws {InvalidParametersError} If it is none, or if there are limits of ours as well
 */
export function withoutOwnLimits <T extends { manager?: CustomResourceManager } & { [K in typeof OWN_LIMITS[number]]?: unknown }> (init: T): T {
  const { manager } = init

  if (typeof manager?.openConnection !== 'function' || typeof manager.openStream !== 'function') {
    throw invalid('manager', 'an object with openConnection and openStream', manager)
  }

  for (const option of OWN_LIMITS) {
    if (init[option] != null && init[option] !== false) {
      throw invalid(option, 'nothing beside the option "manager", whose limits apply', init[option])
    }
  }

  return { ...init, limits: InfiniteLimits, fairness: false, transientShare: 1, baseCosts: false }
}

/**
 * Asks somebody else's resource manager wherever ours is asked. Ours counts the same and
 * refuses nothing, so statistics, metrics and sessions go on.
 *
 * Our scopes get methods of their own for it. Nodes without such a manager, which are nearly
 * all, do nothing more for a stream.
 */
export class CustomManager {
  readonly #manager: CustomResourceManager
  readonly #graph: Pick<ScopeGraph, 'refuse'>
  readonly #connections = new WeakMap<object, CustomConnectionScope>()

  constructor (manager: CustomResourceManager, graph: Pick<ScopeGraph, 'refuse'>) {
    this.#manager = manager
    this.#graph = graph
  }

  openConnection (open: () => DefaultConnectionScope | Refusal, direction: MessageStreamDirection, usefd: boolean, endpoint?: Multiaddr): DefaultConnectionScope | Refusal {
    const theirs = attempt('connection', direction, () => this.#manager.openConnection(direction, usefd, endpoint))
    const ours = this.#open(open, theirs, endpoint)

    if (!(theirs instanceof Refusal || ours instanceof Refusal)) {
      this.#connections.set(ours, theirs)
      link(ours, theirs)
      askFirst(ours, 'trySetPeer', 'peerScope', (peer: PeerId) => { theirs.setPeer(peer) })
      askFirst(ours, 'trySetService', 'serviceScope', (service: string) => { theirs.setService?.(service) })
    }

    return ours
  }

  openStream (open: () => DefaultStreamScope | Refusal, peer: PeerId, direction: MessageStreamDirection, connection?: object): DefaultStreamScope | Refusal {
    const theirs = attempt('stream', direction, () => this.#manager.openStream(peer, direction, connection && this.#connections.get(connection)))
    const ours = this.#open(open, theirs, connection as Refusal['requester'])

    if (!(theirs instanceof Refusal || ours instanceof Refusal)) {
      link(ours, theirs)
      askFirst(ours, 'trySetProtocol', 'protocolScope', (protocol: string) => { theirs.setProtocol(protocol) })
      askFirst(ours, 'trySetService', 'serviceScope', (service: string) => { theirs.setService?.(service) })
    }

    return ours
  }

  /**
   * Opens ours, unless theirs was refused. Where ours cannot be opened theirs ends.
   */
  #open <T> (open: () => T | Refusal, theirs: { done(): void } | Refusal, requester: Refusal['requester']): T | Refusal {
    // what was refused is let in where limits are not enforced
    const refusal = theirs instanceof Refusal ? this.#graph.refuse(theirs, requester) : undefined

    if (refusal != null) {
      return refusal
    }

    const ours = openOrEnd(open, theirs)

    if (ours instanceof Refusal && !(theirs instanceof Refusal)) {
      theirs.done()
    }

    return ours
  }

  async start (): Promise<void> {
    await this.#manager.start?.()
  }

  async stop (): Promise<void> {
    await this.#manager.stop?.()
  }
}

/**
 * A step of one of our scopes that somebody else may refuse. A step that the scope has taken
 * already, or cannot take any more, is not asked about: the answer is the same as without them.
 */
function askFirst (ours: MovableScope, name: 'trySetPeer' | 'trySetProtocol' | 'trySetService', result: 'peerScope' | 'protocolScope' | 'serviceScope', ask: (argument: any) => void): void {
  const steps = ours as unknown as Record<typeof name, (argument: unknown) => Refusal | undefined> & { [K in typeof result]?: object }
  const step = steps[name].bind(ours)
  const request = ours instanceof DefaultStreamScope ? 'stream' : 'connection'

  override(steps, name, argument => {
    if (ours.closed || steps[result] !== undefined) {
      return step(argument)
    }

    const asked = attempt(request, ours.inbound ? 'inbound' : 'outbound', () => { ask(argument) })
    const refusal = asked instanceof Refusal ? ours.graph.refuse(asked, ours) : undefined

    return refusal ?? step(argument)
  })
}

/**
 * What is reserved in a scope of ours is reserved in theirs as well, and both end together
 */
function link (ours: OwnedScope, theirs: Pick<ResourceScopeSpan, 'done'> & CustomMemory): void {
  const { beginSpan, done, releaseMemory, tryReserveMemory } = ours
  // what is reserved in theirs, which may be less where limits are not enforced
  let reserved = 0

  // ours first: it refuses nothing, and throws what is no request at all
  override(ours, 'tryReserveMemory', (size, priority) => {
    const refusal = tryReserveMemory.call(ours, size, priority)

    if (refusal != null) {
      return refusal
    }

    const asked = attempt('memory', undefined, () => { theirs.reserveMemory?.(size, priority) }, size)

    if (!(asked instanceof Refusal)) {
      reserved += size
      return
    }

    const refused = ours.graph.refuse(asked, ours)

    if (refused != null) {
      releaseMemory.call(ours, size)
    }

    return refused as typeof refusal
  })

  override(ours, 'releaseMemory', size => {
    releaseMemory.call(ours, size)

    const released = ours.closed ? 0 : Math.min(size, reserved)

    if (released > 0) {
      reserved -= released
      theirs.releaseMemory?.(released)
    }
  })

  override(ours, 'beginSpan', () => {
    const span = beginSpan.call(ours)
    const theirSpan = theirs.beginSpan?.()

    if (theirSpan != null) {
      link(span as unknown as OwnedScope, theirSpan)
    }

    return span
  })

  override(ours, 'done', () => {
    if (!ours.closed) {
      done.call(ours)
      theirs.done()
    }
  })
}

function attempt <T> (resource: 'connection' | 'stream' | 'memory', direction: MessageStreamDirection | undefined, fn: () => T, attempted: number = 1): T | Refusal {
  try {
    return fn()
  } catch (cause: any) {
    const rule = new Rule('custom', { cause, nameOf: () => typeof cause?.scope === 'string' ? cause.scope : 'custom' })

    return new Refusal(undefined, rule, resource, direction, numberIn(cause?.current), attempted, numberIn(cause?.limit))
  }
}

/**
 * Opens ours, and ends theirs if that fails
 */
function openOrEnd <T> (open: () => T, theirs: Refusal | { done(): void }): T {
  try {
    return open()
  } catch (err) {
    theirs instanceof Refusal || theirs.done()
    throw err
  }
}

function numberIn (value: unknown): number {
  return typeof value === 'number' ? value : 0
}
