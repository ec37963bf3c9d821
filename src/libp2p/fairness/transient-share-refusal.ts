import { ConnectionLimitExceededError, StreamLimitExceededError } from '../../errors.ts'
import type { ResourceLimitExceededError } from '../../errors.ts'
import type { SettingPath } from '../../limits/setting.ts'
import type { AnyRefusal } from '../../scopes/refusal.ts'

/**
 * One address or peer has as many inbound connections or streams in the transient
 * scope as it may
 */
export class TransientShareRefusal implements AnyRefusal {
  readonly kind = 'transient'
  readonly direction = 'inbound'
  readonly attempted = 1
  readonly resource: 'connection' | 'stream'
  readonly current: number
  readonly limit: number
  readonly #remote: string

  constructor (resource: 'connection' | 'stream', remote: string, current: number, limit: number) {
    this.resource = resource
    this.current = current
    this.limit = limit
    this.#remote = remote
  }

  get scope (): string {
    return `transient:${this.#remote}`
  }

  get settingPath (): SettingPath {
    return ['transientShare']
  }

  get message (): string {
    return `${this.scope}: cannot reserve inbound ${this.resource}: resource limit exceeded`
  }

  toError (): ResourceLimitExceededError {
    return this.resource === 'stream'
      ? new StreamLimitExceededError(this.message, this)
      : new ConnectionLimitExceededError(this.message, this, this.resource)
  }
}
