/**
 * @packageDocumentation
 *
 * Functions that need a file system: limits from files, kubo's configuration, and traces to files.
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { loadLimits, traceFile, watchLimits } from 'libp2p-resource-manager/node'
 *
 * const node = await createLibp2p({
 *   services: {
 *     resourceManager: resourceManager({
 *       limits: await loadLimits('limits.json'),
 *       trace: [traceFile('trace.json.gz')]
 *     })
 *   }
 * })
 *
 * const watcher = watchLimits('limits.json', (limits) => {
 *   node.services.resourceManager.setLimits(limits, { replace: true })
 * })
 *
 * // when it is no longer needed
 * watcher.stop()
 * ```
 *
 * @module libp2p-resource-manager/node
 */

export { loadLimits } from './limits/load-limits.ts'
export { optionsFromKubo } from './limits/options-from-kubo.ts'
export { watchLimits } from './limits/watch-limits.ts'
export { traceFile } from './reporting/trace-file.ts'
export { replayPage } from './what-if/replay-page.ts'
export { replayTrace } from './what-if/replay-trace.ts'
export { suggestLimits } from './what-if/suggest.ts'
export type { TraceFile, TraceFileOptions } from './reporting/trace-file.ts'
export type { KuboOptions } from './limits/options-from-kubo.ts'
export type { LimitsWatcher, WatchLimitsOptions } from './limits/watch-limits.ts'
export type { RecordedUsage } from './what-if/recorded-usage.ts'
export type { ReplayPageInit } from './what-if/replay-page.ts'
export type { ReplayReport, ReplayedUsage } from './what-if/replay-report.ts'
export type { ReplayOptions, ReplayProgress } from './what-if/replay-trace.ts'
export type { ReplayedRefusals } from './what-if/replayed-refusals.ts'
export type { SuggestOptions, Suggestion, Used } from './what-if/suggest.ts'
export type { TimeLinePoint } from './what-if/time-line.ts'
