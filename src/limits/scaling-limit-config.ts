import { InvalidParametersError } from '@libp2p/interface'
import { ANY, checkDescribed } from '../util/description.ts'
import { Problems, join } from '../util/problems.ts'
import { checkObject, invalid, isRecord } from '../util/validation.ts'
import { autoScaleTarget } from './auto-scale.ts'
import { availableResources } from './available-resources.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { SIZE_TEXT, readMemorySize } from './memory-size.ts'
import { checkKeys, parsePeerKey } from './parse-limits.ts'
import { scale } from './scale.ts'
import { TYPESCRIPT } from './spelling.ts'
import type { ScaleTarget } from './auto-scale.ts'
import type { ConcreteLimitConfig, NamedKey, ScopeKey } from './limit-config.ts'
import type { Limit, WithSizes } from './limit.ts'
import type { MemorySize } from './memory-size.ts'
import type { LimitIncrease, ScalingLimit, ScalingLimitConfigInit, ScalingLimitInit } from './scale.ts'
import type { DescriptionOf } from '../util/description.ts'
import type { PeerId } from '@libp2p/interface'

const TARGET = { memory: ANY, fds: ANY } as const satisfies DescriptionOf<ScaleTarget>

/**
 * The numbers of a base or an increase, where memory may be written as a size
 */
function readAmounts (amounts: Record<string, unknown>, path: string, isAllowed: (amount: unknown) => boolean, problems: Problems): Record<string, unknown> {
  const read = { ...amounts }

  for (const field of LIMIT_FIELDS) {
    const value = amounts[field]
    const amount = field === 'memory' && typeof value === 'string' ? readMemorySize(value, () => availableResources().memory) : value

    if (isAllowed(amount)) {
      read[field] = amount
    } else if (value !== undefined) {
      problems.add(join(path, field), `a whole number from 0 to 2^53-1${field === 'memory' ? `, ${SIZE_TEXT}` : ''}`, value)
    }
  }

  return read
}

function isAmount (value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

const INCREASE_FIELDS = [...LIMIT_FIELDS.filter(field => field !== 'fd'), 'fdFraction'] as const

/**
 * Copies the argument, so that nobody can change it later
 */
function copyScalingLimit (value: ScalingLimitInit, path: string, problems: Problems): Required<ScalingLimit> {
  const { base, increase = {} } = isRecord(value) ? value : { base: undefined }

  if (!isRecord(base) || !isRecord(increase)) {
    problems.add(path, 'an object with a base and an increase', value)
    return { base: {}, increase: {} }
  }

  const basePath = join(path, 'base')
  const increasePath = join(path, 'increase')

  checkKeys(base, LIMIT_FIELDS, basePath, TYPESCRIPT, problems)
  checkKeys(increase, INCREASE_FIELDS, increasePath, TYPESCRIPT, problems)

  const bases = readAmounts(base, basePath, amount => amount === Infinity || isAmount(amount), problems)
  const increases = readAmounts(increase, increasePath, isAmount, problems)

  const { fdFraction = 0 } = increase

  if (!(typeof fdFraction === 'number' && fdFraction >= 0 && fdFraction <= 1)) {
    problems.add(join(increasePath, 'fdFraction'), 'a number from 0 to 1', fdFraction)
  }

  return { base: bases, increase: increases }
}

function freezeScalingLimit ({ base, increase }: Required<ScalingLimit>): ScalingLimit {
  return Object.freeze({ base: Object.freeze(base), increase: Object.freeze(increase) })
}

/**
 * The memory in bytes and the number of file descriptors that limits are scaled to
 */
function readTarget (target: ScaleTarget | MemorySize, second: number | undefined): [memory: number, fds: number] {
  if (typeof target === 'object' && second !== undefined) {
    throw invalid('fds', 'it in the object with the memory, or two numbers', second)
  }

  const given = typeof target === 'number' || typeof target === 'string' ? { memory: target, fds: second } : target

  checkObject('target', given)
  checkDescribed('target', given, TARGET)

  const { memory: size = 0, fds = 0 } = given
  const memory = typeof size === 'string' ? readMemorySize(size, () => availableResources().memory) : size

  if (!Number.isFinite(memory)) {
    throw invalid('memory', `a number of bytes, ${SIZE_TEXT}`, size)
  }

  if (typeof fds !== 'number' || Number.isNaN(fds)) {
    throw invalid('fds', 'a number of file descriptors', fds)
  }

  // it is finite
  return [memory as number, fds]
}

/**
 * Limits that grow with the memory and the file descriptors of the machine they
 * are used on.
 *
 * @example The defaults, with one number changed
 *
 * ```TypeScript
 * import { DefaultLimits } from 'libp2p-resource-manager/limits'
 *
 * const config = DefaultLimits.clone()
 * config.scopes.system.base.connsInbound = 500
 *
 * const limits = config.scale(2 ** 30, 4096)
 * ```
 *
 * @example Go's defaults with a limit for a service of one's own
 *
 * ```TypeScript
 * import { DefaultLimits, setDefaultServiceLimits } from 'libp2p-resource-manager/limits'
 *
 * const config = DefaultLimits.clone()
 * setDefaultServiceLimits(config)
 * config.addServiceLimit('my-service', { streams: 64, memory: '1MiB' }, { streams: 16 })
 *
 * const limits = config.autoScale()
 * ```
 */
export class ScalingLimitConfig {
  /**
   * The limit of every kind of scope. Changes count when the limits are scaled next. The limits
   * of `DefaultLimits` are frozen; those of a `clone()` are not.
   */
  readonly scopes: Readonly<Record<ScopeKey, Required<ScalingLimit>>>

  readonly #named: Record<NamedKey, Map<string, ScalingLimit>>
  #frozen = false

  /**
   * @throws {InvalidParametersError} listing every problem with its path
   */
  constructor (init: ScalingLimitConfigInit = {}) {
    const problems = new Problems('invalid scaling limits')

    checkKeys(init as Record<string, unknown>, SCOPE_KEYS, 'scopes', TYPESCRIPT, problems)

    this.scopes = Object.freeze(Object.fromEntries(SCOPE_KEYS.map(key => {
      return [key, copyScalingLimit(init[key] ?? { base: {} }, key, problems)]
    })) as Record<ScopeKey, Required<ScalingLimit>>)
    this.#named = Object.fromEntries(NAMED_KEYS.map(key => [key, new Map()])) as Record<NamedKey, Map<string, ScalingLimit>>

    problems.throwIfAny()
  }

  /**
   * The limit of a service, for all peers together
   *
   * @throws {InvalidParametersError} listing every problem with its path
   */
  addServiceLimit (service: string, base: WithSizes<Partial<Limit>>, increase?: WithSizes<LimitIncrease>): void {
    this.#add('service', service, { base, increase })
  }

  /**
   * The limit of a service for each peer
   *
   * @throws {InvalidParametersError} listing every problem with its path
   */
  addServicePeerLimit (service: string, base: WithSizes<Partial<Limit>>, increase?: WithSizes<LimitIncrease>): void {
    this.#add('servicePeer', service, { base, increase })
  }

  /**
   * The limit of a protocol, for all peers together
   *
   * @throws {InvalidParametersError} listing every problem with its path
   */
  addProtocolLimit (protocol: string, base: WithSizes<Partial<Limit>>, increase?: WithSizes<LimitIncrease>): void {
    this.#add('protocol', protocol, { base, increase })
  }

  /**
   * The limit of a protocol for each peer
   *
   * @throws {InvalidParametersError} listing every problem with its path
   */
  addProtocolPeerLimit (protocol: string, base: WithSizes<Partial<Limit>>, increase?: WithSizes<LimitIncrease>): void {
    this.#add('protocolPeer', protocol, { base, increase })
  }

  /**
   * The limit of one peer
   *
   * @throws {InvalidParametersError} listing every problem with its path
   */
  addPeerLimit (peer: PeerId | string, base: WithSizes<Partial<Limit>>, increase?: WithSizes<LimitIncrease>): void {
    this.#add('peer', peer?.toString(), { base, increase })
  }

  #add (kind: NamedKey, name: string, limit: ScalingLimitInit): void {
    if (this.#frozen) {
      throw new InvalidParametersError('these limits are shared and cannot be changed, change a .clone() of them')
    }

    const problems = new Problems('invalid scaling limits')

    if (typeof name !== 'string') {
      problems.add(kind, 'a name', name)
    }

    const key = kind === 'peer' ? parsePeerKey(String(name), join(kind, String(name)), problems) : name
    const copy = copyScalingLimit(limit, join(kind, String(name)), problems)

    problems.throwIfAny()
    this.#named[kind].set(key, freezeScalingLimit(copy))
  }

  /**
   * The limits for a given amount of memory and number of file descriptors, which may also be
   * two numbers, as in go-libp2p
   *
   * @throws {InvalidParametersError} naming what is no number or size, and listing what is
   * wrong in `scopes`
   */
  scale (target?: ScaleTarget): ConcreteLimitConfig
  scale (memory: MemorySize, fds?: number): ConcreteLimitConfig
  scale (target: ScaleTarget | MemorySize = {}, fds?: number): ConcreteLimitConfig {
    return scale({ scopes: this.#readScopes(), named: this.#named }, ...readTarget(target, fds))
  }

  /**
   * The limits for one eighth of the memory and half of the file descriptors
   * that this process may use. In browsers and workers the memory is that of the
   * device, or 2 GiB if the browser does not tell.
   *
   * @throws {InvalidParametersError} listing every limit in `scopes` that cannot be used
   */
  autoScale (): ConcreteLimitConfig {
    return this.scale(autoScaleTarget(availableResources()))
  }

  /**
   * A copy that can be changed
   */
  clone (): ScalingLimitConfig {
    const clone = new ScalingLimitConfig(this.scopes)

    for (const key of NAMED_KEYS) {
      for (const [name, limit] of this.#named[key]) {
        clone.#named[key].set(name, limit)
      }
    }

    return clone
  }

  /**
   * Refuses every change from now on: for limits that are shared
   */
  freeze (): this {
    this.#frozen = true
    Object.values(this.scopes).forEach(freezeScalingLimit)

    return this
  }

  /**
   * The content of the scopes now, which anybody may have written
   */
  #readScopes (): Record<ScopeKey, ScalingLimit> {
    const problems = new Problems('invalid scaling limits')
    const entries = SCOPE_KEYS.map(key => [key, copyScalingLimit(this.scopes[key], key, problems)])

    problems.throwIfAny()

    return Object.fromEntries(entries)
  }
}
