import { checkPressure, PRESSURE_OPTIONS, ProcessPressure } from '../libp2p/pressure/process-pressure.ts'
import type { Feature } from '../manager/feature.ts'

/**
 * Refuses what remotes open while the process has too much to do: the options
 * `processMemory` and `eventLoopDelay`
 */
export const pressure = {
  name: 'pressure',
  options: PRESSURE_OPTIONS,

  register (host) {
    const { core, options, parts, stats } = host

    checkPressure(options)

    host.nodeParts.push(({ streams }) => {
      const process = new ProcessPressure(core, options)

      core.strangersConnections.push({ find: () => process.find('connection') })
      core.strangersStreams.push({ find: () => process.find('stream') })
      streams.pressure = process
      parts.push(process)
      stats.push(() => process.stat())
    })
  }
} satisfies Feature<'pressure'>
