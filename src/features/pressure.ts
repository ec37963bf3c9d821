import { ProcessPressure, checkPressure } from '../libp2p/process-pressure.ts'
import { PRESSURE_OPTIONS } from '../options/pressure-options.ts'

/**
 * Refuses what remotes open while the process has too much to do: the options
 * `processMemory` and `eventLoopDelay`
 */
export const pressure = { ProcessPressure, checkPressure, options: PRESSURE_OPTIONS }
