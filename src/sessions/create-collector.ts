import { checkDescribed } from '../util/description.ts'
import { COLLECTOR_OPTIONS } from './collector-config.ts'
import { DefaultCollector } from './default-collector.ts'
import type { Collector, CollectorConfig } from './collector.ts'

/**
 * A collector that is in no registry. Its history is lost with it, and it has a timer of its
 * own while there are sessions.
 *
 * @throws {InvalidParametersError} If an option cannot be used
 */
export function createCollector (config: CollectorConfig = {}): Collector {
  checkDescribed('config', config, COLLECTOR_OPTIONS)

  return new DefaultCollector(config)
}
