import { ConnectionLimitExceededError, RateLimitExceededError, StreamLimitExceededError } from '../errors.ts'
import type { RefusedRequest, ResourceLimitExceededError } from '../errors.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * The setting of a collector that refuses
 */
export type SessionLimit = 'maxSessions' | 'maxRxBitrate' | 'maxTxBitrate'

export interface SessionRefusalInit {
  /**
   * The service that the collector is for
   */
  service: string

  request: 'connection' | 'stream'
  direction: MessageStreamDirection
  setting: SessionLimit

  /**
   * How many sessions there are, or the bit rate in bit/s
   */
  current: number

  /**
   * How many sessions there may be, or the highest bit rate in bit/s
   */
  limit: number
}

/**
 * Why a stream or connection is refused by the collector that watches its service.
 * Like every refusal it is formatted when somebody asks.
 */
export class SessionRefusal implements RefusedRequest {
  readonly kind = 'collector'
  readonly resource: 'stream' | 'connection' | 'rate'
  readonly request: 'connection' | 'stream'
  readonly direction: MessageStreamDirection
  readonly current: number

  /**
   * One stream or connection, also where the limit is a bit rate: what it would have
   * transferred is not known
   */
  readonly attempted = 1

  readonly limit: number
  readonly service: string
  readonly setting: SessionLimit

  constructor (init: SessionRefusalInit) {
    this.service = init.service
    this.setting = init.setting
    this.resource = init.setting === 'maxSessions' ? init.request : 'rate'
    this.request = init.request
    this.direction = init.direction
    this.current = init.current
    this.limit = init.limit
  }

  get scope (): string {
    return `collector:${this.service}`
  }

  get message (): string {
    return `${this.scope}: cannot reserve ${this.direction} ${this.request}: ${this.resource === 'rate' ? 'bit rate' : 'session'} limit exceeded`
  }

  get settingPath (): SettingPath {
    return ['sessions', 'collectors', this.service, this.setting]
  }

  toError (): ResourceLimitExceededError {
    switch (this.resource) {
      case 'rate':
        return new RateLimitExceededError(this.message, this)
      case 'connection':
        return new ConnectionLimitExceededError(this.message, this)
      default:
        return new StreamLimitExceededError(this.message, this)
    }
  }
}
