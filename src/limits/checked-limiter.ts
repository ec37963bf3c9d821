import { InvalidParametersError } from '@libp2p/interface'
import { validateLimit } from './concrete-limits.ts'
import type { Limit } from './limit.ts'
import type { Limiter } from './limiter.ts'
import type { PeerId } from '@libp2p/interface'

const METHODS = [
  'getSystemLimits',
  'getTransientLimits',
  'getAllowlistedSystemLimits',
  'getAllowlistedTransientLimits',
  'getServiceLimits',
  'getServicePeerLimits',
  'getProtocolLimits',
  'getProtocolPeerLimits',
  'getPeerLimits',
  'getStreamLimits',
  'getConnLimits'
] as const satisfies ReadonlyArray<keyof Limiter>

/**
 * True if an object answers any of the questions of a limiter. Whether it
 * answers all of them is for `checkedLimiter` to say.
 */
export function isLimiter (value: unknown): value is Limiter {
  return value != null && METHODS.some(method => typeof (value as any)[method] === 'function')
}

/**
 * Asks a limiter that was written by somebody else and checks every answer, so
 * that a mistake in it is an error and not a scope without limits
 */
class CheckedLimiter implements Limiter {
  readonly #limiter: Limiter

  constructor (limiter: Limiter) {
    this.#limiter = limiter
  }

  getSystemLimits (): Limit {
    return validateLimit(this.#limiter.getSystemLimits(), 'getSystemLimits()')
  }

  getTransientLimits (): Limit {
    return validateLimit(this.#limiter.getTransientLimits(), 'getTransientLimits()')
  }

  getAllowlistedSystemLimits (): Limit {
    return validateLimit(this.#limiter.getAllowlistedSystemLimits(), 'getAllowlistedSystemLimits()')
  }

  getAllowlistedTransientLimits (): Limit {
    return validateLimit(this.#limiter.getAllowlistedTransientLimits(), 'getAllowlistedTransientLimits()')
  }

  getServiceLimits (service: string): Limit {
    return validateLimit(this.#limiter.getServiceLimits(service), 'getServiceLimits()')
  }

  getServicePeerLimits (service: string): Limit {
    return validateLimit(this.#limiter.getServicePeerLimits(service), 'getServicePeerLimits()')
  }

  getProtocolLimits (protocol: string): Limit {
    return validateLimit(this.#limiter.getProtocolLimits(protocol), 'getProtocolLimits()')
  }

  getProtocolPeerLimits (protocol: string): Limit {
    return validateLimit(this.#limiter.getProtocolPeerLimits(protocol), 'getProtocolPeerLimits()')
  }

  getPeerLimits (peer: PeerId): Limit {
    return validateLimit(this.#limiter.getPeerLimits(peer), 'getPeerLimits()')
  }

  getStreamLimits (peer: PeerId): Limit {
    return validateLimit(this.#limiter.getStreamLimits(peer), 'getStreamLimits()')
  }

  getConnLimits (): Limit {
    return validateLimit(this.#limiter.getConnLimits(), 'getConnLimits()')
  }
}

/**
 * Wraps a limiter so that each of its answers is checked: a method throws
 * `InvalidParametersError` naming the method, the field and the value if a limit
 * does not have eight fields that are whole numbers or `Infinity`
 *
 * @throws {InvalidParametersError} naming the methods that are missing
 */
export function checkedLimiter (limiter: Limiter): Limiter {
  const missing = METHODS.filter(method => typeof limiter?.[method] !== 'function')

  if (missing.length > 0) {
    throw new InvalidParametersError(`limits: expected a limiter with all of its methods, ${missing.join(', ')} missing`)
  }

  return new CheckedLimiter(limiter)
}
