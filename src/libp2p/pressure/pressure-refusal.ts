import { ConnectionLimitExceededError, MemoryLimitExceededError, StreamLimitExceededError } from '../../errors.ts'
import type { ResourceLimitExceededError } from '../../errors.ts'
import type { SettingPath } from '../../limits/setting.ts'
import type { AnyRefusal } from '../../scopes/refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * The process has more memory resident than it may have, in bytes, or its event loop is
 * later than it may be, in ms
 */
export class PressureRefusal implements AnyRefusal {
  readonly kind = 'process'
  readonly scope = 'process'
  readonly direction: MessageStreamDirection = 'inbound'
  readonly attempted = 0
  readonly resource: 'memory' | 'connection' | 'stream'
  readonly request: 'connection' | 'stream'
  readonly current: number
  readonly limit: number
  readonly #option: 'processMemory' | 'eventLoopDelay'

  constructor (option: 'processMemory' | 'eventLoopDelay', request: 'connection' | 'stream', current: number, limit: number) {
    // time is no resource: what there is no time for is one
    this.resource = option === 'processMemory' ? 'memory' : request
    this.request = request
    this.current = current
    this.limit = limit
    this.#option = option
  }

  get settingPath (): SettingPath {
    return [this.#option, 'max']
  }

  get message (): string {
    return `process: cannot reserve inbound ${this.request}: resource limit exceeded`
  }

  toError (): ResourceLimitExceededError {
    switch (this.resource) {
      case 'memory':
        return new MemoryLimitExceededError(this.message, this)
      case 'stream':
        return new StreamLimitExceededError(this.message, this)
      default:
        return new ConnectionLimitExceededError(this.message, this)
    }
  }
}
