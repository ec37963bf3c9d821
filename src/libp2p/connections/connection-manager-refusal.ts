import { Refusal } from '../../scopes/refusal.ts'
import type { SettingPath } from '../../limits/setting.ts'
import type { RefusingScope } from '../../scopes/refusal.ts'

/**
 * The connection manager of the node has as many inbound connections as it may have
 */
export class ConnectionManagerRefusal extends Refusal {
  declare readonly option: string

  /**
   * @param system - the scope of the whole node
   * @param option - the one of the connection manager that says it
   * @param current - how many there are
   * @param limit
   */
  constructor (system: RefusingScope, option: string, current: number, limit: number) {
    super(undefined, system, 'connection', 'inbound', current, 1, limit)
    this.option = option
  }

  get settingPath (): SettingPath {
    return ['connectionManager', this.option]
  }
}
