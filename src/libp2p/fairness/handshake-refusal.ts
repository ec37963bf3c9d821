import { RateLimitExceededError } from '../../errors.ts'
import type { ResourceLimitExceededError } from '../../errors.ts'
import type { OverBudget } from '../../fairness/handshake-budget.ts'
import type { SettingPath } from '../../limits/setting.ts'
import type { AnyRefusal } from '../../scopes/refusal.ts'

/**
 * Remotes begin more handshakes than this node has time for
 */
export class HandshakeRefusal implements AnyRefusal {
  readonly kind = 'handshakes'
  readonly resource = 'rate'
  readonly request = 'connection'
  readonly direction = 'inbound'
  readonly attempted = 1
  readonly current: number
  readonly limit: number
  readonly #group: OverBudget['group']

  constructor ({ current, group, limit }: OverBudget) {
    this.current = current
    this.limit = limit
    this.#group = group
  }

  get scope (): string {
    return this.#group === 'all' ? 'handshakes' : `handshakes of a ${this.#group}`
  }

  get settingPath (): SettingPath {
    return ['fairness', 'handshakes']
  }

  get message (): string {
    return `${this.scope}: cannot reserve inbound connection: resource limit exceeded`
  }

  toError (): ResourceLimitExceededError {
    return new RateLimitExceededError(this.message, this)
  }
}
