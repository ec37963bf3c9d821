import { Refusal } from './refusal.ts'
import type { RefusingScope } from './refusal.ts'
import type { SettingPath } from '../limits/setting.ts'

/**
 * As many connections as may are in their handshake although the system is full, because
 * their peer may turn out to be trusted
 */
export class ProvingRefusal extends Refusal {
  /**
   * @param asker
   * @param transient - where they are, and where one may give way to another
   * @param current - how many there are
   * @param limit
   */
  constructor (asker: RefusingScope | undefined, transient: RefusingScope, current: number, limit: number) {
    super(asker, transient, 'connection', 'inbound', current, 1, limit)
  }

  get settingPath (): SettingPath {
    return ['limits', 'allowlistedSystem', 'connsInbound']
  }
}
