import { MemoryLimitExceededError } from '../errors.ts'
import type { ResourceLimitExceededError } from '../errors.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { AnyRefusal } from '../scopes/refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * The process has more memory resident than it may have
 */
export class ProcessMemoryRefusal implements AnyRefusal {
  readonly kind = 'process'
  readonly scope = 'process'
  readonly resource = 'memory'
  readonly direction: MessageStreamDirection = 'inbound'
  readonly attempted = 0
  readonly request: 'connection' | 'stream'
  readonly current: number
  readonly limit: number

  constructor (request: 'connection' | 'stream', current: number, limit: number) {
    this.request = request
    this.current = current
    this.limit = limit
  }

  get settingPath (): SettingPath {
    return ['processMemory', 'max']
  }

  get message (): string {
    return `process: cannot reserve inbound ${this.request}: resource limit exceeded`
  }

  toError (): ResourceLimitExceededError {
    return new MemoryLimitExceededError(this.message, this)
  }
}
