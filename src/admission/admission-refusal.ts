import { RateLimitExceededError, SubnetLimitExceededError } from '../errors.ts'
import type { RefusedRequest, ResourceLimitExceededError } from '../errors.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * What a limit is for: each subnet of one size, one network, everything, a peer
 * or a protocol
 */
export type RefusingKind = 'subnet' | 'network' | 'global' | 'peer' | 'protocol'

/**
 * What a refusal was decided by
 */
export interface RefusedBy {
  resource: 'subnet' | 'rate'
  kind: RefusingKind

  /**
   * Which subnet, network, peer or protocol it was. It is turned into text when
   * somebody asks.
   */
  subject?: { toString(): string }

  current: number
  limit: number

  /**
   * The entry of the option that has the limit of a protocol
   */
  entry?: ['protocol' | 'protocolPeer', string]

  /**
   * Where the limit is configured, if that does not follow from the rest
   */
  setting?: SettingPath
}

/**
 * Why a connection or a stream is not admitted. It is what the admission answers
 * instead of throwing, so that a refusal costs about as much as an admission:
 * nothing is formatted and no stack trace is captured until somebody asks for it.
 */
export class AdmissionRefusal implements RefusedRequest {
  readonly request: 'connection' | 'stream'
  readonly resource: 'subnet' | 'rate'
  readonly kind: RefusingKind
  readonly direction: MessageStreamDirection

  /**
   * Connections of the subnet, or how much of the burst of a rate is used up
   */
  readonly current: number

  readonly attempted = 1

  /**
   * How many connections the subnet may have, or the burst of a rate
   */
  readonly limit: number

  readonly #subject?: { toString(): string }
  readonly #entry?: RefusedBy['entry']
  readonly #setting?: SettingPath

  constructor (request: 'connection' | 'stream', direction: MessageStreamDirection, by: RefusedBy) {
    this.request = request
    this.direction = direction
    this.resource = by.resource
    this.kind = by.kind
    this.current = by.current
    this.limit = by.limit
    this.#subject = by.subject
    this.#entry = by.entry
    this.#setting = by.setting
  }

  /**
   * What the limit is for, such as `subnet:1.2.3.4/32`, `network:10.0.0.0/8`,
   * `peer:12D3…` or `global`
   */
  get scope (): string {
    return this.#subject == null ? this.kind : `${this.kind}:${this.#subject}`
  }

  get message (): string {
    return `${this.scope}: cannot reserve ${this.direction} ${this.request}: ${this.resource === 'rate' ? 'rate' : 'resource'} limit exceeded`
  }

  /**
   * The option that has this limit, without the address or peer it was applied to
   */
  get settingPath (): SettingPath {
    if (this.#setting != null) {
      return this.#setting
    }

    if (this.resource === 'subnet') {
      return ['subnetLimits', this.#optionForAddresses]
    }

    return this.request === 'connection'
      ? ['rateLimits', 'connections', this.#optionForAddresses]
      : ['rateLimits', 'streams', ...this.#entry ?? [this.kind]]
  }

  get #optionForAddresses (): string {
    switch (this.kind) {
      case 'subnet':
        // the colons of the address tell which
        return String(this.#subject).includes(':') ? 'ipv6' : 'ipv4'
      case 'network':
        return 'prefixes'
      default:
        return this.kind
    }
  }

  toError (): ResourceLimitExceededError {
    return this.resource === 'rate'
      ? new RateLimitExceededError(this.message, this)
      : new SubnetLimitExceededError(this.message, this)
  }
}
