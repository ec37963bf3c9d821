import { invalid } from '../util/validation.ts'
import { validateLimit } from './concrete-limits.ts'
import { ConcreteLimiter } from './limiter.ts'
import type { Limit } from './limit.ts'
import type { Limiter } from './limiter.ts'

/**
 * The questions that a limiter answers
 */
const METHODS = Object.getOwnPropertyNames(ConcreteLimiter.prototype).filter(name => name.startsWith('get')) as Array<keyof Limiter>

/**
 * True if an object answers any of the questions of a limiter. Whether it
 * answers all of them is for `checkedLimiter` to say.
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
