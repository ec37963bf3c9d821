import { limitAdvice, streamLimitAdvice } from '../libp2p/limit-advice.ts'
import { FindNodeRefusals } from '../libp2p/node-refusals.ts'
import { logChanges } from '../limits/limit-changes.ts'
import { explain } from '../reporting/explain.ts'
import { listHolders } from '../reporting/holders.ts'
import { Inspector } from '../reporting/inspector.ts'
import { RefusalCounts } from '../reporting/refusal-counts.ts'
import { scopeState, serviceState, systemState } from '../reporting/scope-state.ts'
import { scopeTable } from '../reporting/scope-table.ts'
import { scopeUsage } from '../reporting/scope-usage.ts'
import { BOOLEAN } from '../util/description.ts'

/**
 * What people want to know: refusals in the log and as warnings of the process, `refusals`,
 * `recentRefusals`, who was refused in errors, `highWaterMarks`, `explain`, `usage`, `holders`,
 * `systemState`, `serviceState`, the table of `toString`, and warnings about limits that contradict
 * each other when a node starts
 */
export const inspection = {
  options: { warnings: BOOLEAN },
  FindNodeRefusals,
  Inspector,
  RefusalCounts,
  explain,
  limitAdvice,
  listHolders,
  logChanges,
  scopeState,
  scopeTable,
  scopeUsage,
  serviceState,
  streamLimitAdvice,
  systemState
}
