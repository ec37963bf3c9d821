import { resolveBaseCosts } from './connections/base-costs.ts'
import { checkTransientShare } from './fairness/transient-holders.ts'
import { checkHandlerGrace } from './streams/running-handlers.ts'
import { serviceTable } from './streams/service-table.ts'
import type { ResourceManagerInit } from '../manager/resource-manager-init.ts'

/**
 * Checks the options that only the wiring uses, where there is no node: a mistake in them is
 * still a mistake
 *
 * @throws {InvalidParametersError} naming the option that cannot be used
 */
export function checkNodeOptions (init: ResourceManagerInit): void {
  const { baseCosts, handlerGrace, services, transientShare } = init

  resolveBaseCosts(baseCosts)
  serviceTable(services)
  checkTransientShare(transientShare)
  checkHandlerGrace(handlerGrace)
}
