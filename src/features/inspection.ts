import { FindNodeRefusals } from '../libp2p/node-refusals.ts'
import { checkLimits } from '../limits/check-limits.ts'
import { explain } from '../reporting/explain.ts'
import { listHolders } from '../reporting/holders.ts'
import { RefusalLog } from '../reporting/refusal-log.ts'
import { scopeState, serviceState, systemState } from '../reporting/scope-state.ts'
import { scopeTable } from '../reporting/scope-table.ts'
import { scopeUsage } from '../reporting/scope-usage.ts'

/**
 * What people want to know: refusals in the log, `explain`, `usage`, `holders`, `systemState`,
 * `serviceState`, the table of `toString`, and warnings about limits that contradict each
 * other when a node starts
 */
export const inspection = { FindNodeRefusals, RefusalLog, checkLimits, explain, listHolders, scopeState, scopeTable, scopeUsage, serviceState, systemState }
