import { NameTable, isPattern } from '../util/name-table.ts'
import { invalid } from '../util/validation.ts'
import { validateLimit } from './concrete-limits.ts'
import { NAMED_KEYS } from './limit-config.ts'
import { wellKnownProtocol } from './well-known-services.ts'
import type { ConcreteLimitConfig, NamedKey } from './limit-config.ts'
import type { Limit } from './limit.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Answers which limit a scope has, so that limits can be computed instead of listed.
 *
 * It is asked once for each scope: for the scopes at the top when the manager is made, and
 * for the others when they are created, for each connection and stream when it is opened.
 * Where its answers have changed, `setLimits` with the same limiter asks again for every
 * scope that exists. (go-libp2p's limits are asked for their numbers at every check.)
 */
export interface Limiter {
  /** Of everything */
  getSystemLimits(): Limit

  /** Of connections without a peer and streams without a protocol */
  getTransientLimits(): Limit

  /** Of what trusted addresses hold when the system is full */
  getAllowlistedSystemLimits(): Limit

  /** Of what of that is transient */
  getAllowlistedTransientLimits(): Limit

  /** Of a service, all peers together */
  getServiceLimits(service: string): Limit

  /** Of one peer in a service */
  getServicePeerLimits(service: string): Limit

  /** Of a protocol, all peers together */
  getProtocolLimits(protocol: string): Limit

  /** Of one peer in a protocol */
  getProtocolPeerLimits(protocol: string): Limit

  /** Of a peer */
  getPeerLimits(peer: PeerId): Limit

  /** Of one stream with a peer */
  getStreamLimits(peer: PeerId): Limit

  /** Of one connection */
  getConnLimits(): Limit
}

const OF_PROTOCOLS = new Set<NamedKey>(['protocol', 'protocolPeer'])

/**
 * Reads the limits from a list. It can be extended, to compute some of them.
 */
export class ConcreteLimiter implements Limiter {
  /** All limits, as they were passed */
  readonly config: ConcreteLimitConfig

  /**
   * The entries of names that have none of their own
   */
  readonly #others: Record<NamedKey, NameTable<string>>

  /**
   * @throws {InvalidParametersError} if there are too many patterns, or one with more than
   * one `*`
   */
  constructor (config: ConcreteLimitConfig) {
    this.config = config
    this.#others = Object.fromEntries(NAMED_KEYS.map(kind => {
      const patterns = Object.keys(config[kind] ?? {}).filter(isPattern).map(name => [name, name] as const)
      const inFamily = (name: string): string | undefined => {
        const known = wellKnownProtocol(name)

        return known !== undefined && Object.hasOwn(config[kind], known) ? known : undefined
      }

      return [kind, new NameTable(`limits.${kind}`, patterns, OF_PROTOCOLS.has(kind) ? inFamily : undefined)]
    })) as Record<NamedKey, NameTable<string>>
  }

  /**
   * The entry for a name: its own, that of the most specific pattern that matches, or, for the
   * protocol of a well-known service in a private network, that of the well-known protocol
   *
   * @returns undefined where the name has what is for all of its kind
   */
  entryOf (kind: NamedKey, name: string): string | undefined {
    // names come from users and remote peers: `constructor` is not an entry
    return Object.hasOwn(this.config[kind], name) ? name : this.#others[kind].get(name)
  }

  #named (kind: NamedKey, name: string): Limit {
    const entry = this.entryOf(kind, name)

    return entry === undefined ? this.config[`${kind}Default`] : this.config[kind][entry]
  }

  getSystemLimits (): Limit {
    return this.config.system
  }

  getTransientLimits (): Limit {
    return this.config.transient
  }

  getAllowlistedSystemLimits (): Limit {
    return this.config.allowlistedSystem
  }

  getAllowlistedTransientLimits (): Limit {
    return this.config.allowlistedTransient
  }

  getServiceLimits (service: string): Limit {
    return this.#named('service', service)
  }

  getServicePeerLimits (service: string): Limit {
    return this.#named('servicePeer', service)
  }

  getProtocolLimits (protocol: string): Limit {
    return this.#named('protocol', protocol)
  }

  getProtocolPeerLimits (protocol: string): Limit {
    return this.#named('protocolPeer', protocol)
  }

  getPeerLimits (peer: PeerId): Limit {
    return this.#named('peer', peer.toString())
  }

  getStreamLimits (): Limit {
    return this.config.stream
  }

  getConnLimits (): Limit {
    return this.config.conn
  }
}

/**
 * Whether a limiter answers what is in its list, and nothing else
 */
export function isPlain (limiter: unknown): limiter is ConcreteLimiter {
  return limiter instanceof ConcreteLimiter && Object.getPrototypeOf(limiter) === ConcreteLimiter.prototype
}

/**
 * The questions that a limiter answers
 */
const METHODS = Object.getOwnPropertyNames(ConcreteLimiter.prototype).filter(name => name.startsWith('get')) as Array<keyof Limiter>

/**
 * True if an object has any of the methods of a limiter. `checkedLimiter` says whether it has
 * all of them.
 */
export function isLimiter (value: unknown): value is Limiter {
  return value != null && METHODS.some(method => typeof (value as any)[method] === 'function')
}

/**
 * Asks a limiter that was written by somebody else and checks every answer, so
 * that a mistake in it is an error and not a scope without limits: a method throws
 * `InvalidParametersError` naming the method, the field and the value if a limit
 * does not have eight fields that are whole numbers or `Infinity`
 *
 * @throws {InvalidParametersError} naming the methods that are missing
 */
export function checkedLimiter (limiter: Limiter): Limiter {
  const missing = METHODS.filter(method => typeof limiter?.[method] !== 'function')

  if (missing.length > 0) {
    throw invalid('limits', `a limiter with ${missing.join(', ')} too`, limiter)
  }

  return Object.fromEntries(METHODS.map(method => {
    const ask = limiter[method].bind(limiter) as (...about: any[]) => Limit

    return [method, (...about: any[]) => validateLimit(ask(...about), `${method}()`)]
  })) as unknown as Limiter
}
