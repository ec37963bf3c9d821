import { ConnectionLimitExceededError, StreamLimitExceededError } from '../errors.ts'
import type { ResourceLimitExceededError } from '../errors.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { AnyRefusal } from '../scopes/refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * The event loop is later than it may be, in ms
 */
export class EventLoopDelayRefusal implements AnyRefusal {
  readonly kind = 'process'
  readonly scope = 'process'
  readonly direction: MessageStreamDirection = 'inbound'
  readonly attempted = 0
  readonly resource: 'connection' | 'stream'
  readonly current: number
  readonly limit: number

  constructor (resource: 'connection' | 'stream', current: number, limit: number) {
    this.resource = resource
    this.current = current
    this.limit = limit
  }

  get settingPath (): SettingPath {
    return ['eventLoopDelay', 'max']
  }

  get message (): string {
    return `process: cannot reserve inbound ${this.resource}: resource limit exceeded`
  }

  toError (): ResourceLimitExceededError {
    return this.resource === 'stream'
      ? new StreamLimitExceededError(this.message, this)
      : new ConnectionLimitExceededError(this.message, this)
  }
}
