import { ConnectionLimitExceededError } from '../errors.ts'
import type { Ban } from './ban.ts'
import type { ResourceLimitExceededError } from '../errors.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { AnyRefusal } from '../scopes/refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * Somebody is banned
 */
export class BanRefusal implements AnyRefusal {
  readonly kind = 'ban'
  readonly resource = 'connection'
  readonly attempted = 1
  readonly current = 0
  readonly limit = 0
  readonly ban: Readonly<Ban>
  readonly direction: MessageStreamDirection

  constructor (ban: Readonly<Ban>, direction: MessageStreamDirection) {
    this.ban = ban
    this.direction = direction
  }

  /**
   * Such as `ban:host:192.0.2.1/32`
   */
  get scope (): string {
    return `ban:${this.ban.level}:${this.ban.target}`
  }

  get settingPath (): SettingPath {
    return ['bans']
  }

  get message (): string {
    return `${this.scope}: cannot reserve ${this.direction} connection: resource limit exceeded`
  }

  toError (): ResourceLimitExceededError {
    return new ConnectionLimitExceededError(this.message, this)
  }
}
