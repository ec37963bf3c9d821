import { NODE_GAUGES } from './node-metrics.ts'
import { SCOPE_GAUGES } from './scope-metrics.ts'
import { SESSION_GAUGES } from './session-metrics.ts'
import type { GaugeFamily } from './metric-family.ts'

export const GAUGES: readonly GaugeFamily[] = [...SCOPE_GAUGES, ...SESSION_GAUGES, ...NODE_GAUGES]

export { DISTRIBUTIONS } from './distribution-metrics.ts'
