import { checkPressure, PRESSURE_OPTIONS, ProcessPressure } from '../libp2p/pressure/process-pressure.ts'

/**
 * Refuses what remotes open while the process has too much to do: the options
 * `processMemory` and `eventLoopDelay`
 */
export const pressure = { ProcessPressure, checkPressure, options: PRESSURE_OPTIONS }
