import { ProcessPressure } from '../libp2p/process-pressure.ts'

/**
 * Refuses what remotes open while the process has too much to do: the options
 * `processMemory` and `eventLoopDelay`
 */
export const pressure = { ProcessPressure }
