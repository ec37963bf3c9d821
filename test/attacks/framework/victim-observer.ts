import { monitorEventLoopDelay } from 'node:perf_hooks'
import { findViolations } from './invariants.ts'
import type { Victim } from './victim-node.ts'

/**
 * How often memory, connections and streams are sampled, in ms
 */
const SAMPLE_INTERVAL = 20

/**
 * How many violations are kept
 */
const KEPT_VIOLATIONS = 10

/**
 * What a victim has come to, at most, since it is observed
 */
export interface Peaks {
  /** Resident memory of the process, in bytes */
  resident: number
  sockets: number
  connections: number
  streams: number

  /** In the buffers of all streams, in bytes */
  buffered: number
  handlers: number

  /** What the resource manager knows of, in bytes */
  accounted: number

  /** Of the event loop, in ms */
  delay: number
}

/**
 * Observes a victim from within its process. What is counted comes from libp2p and not
 * from the resource manager, unless it says so, and is the same without one.
 */
export class VictimObserver {
  readonly #victim: Victim
  readonly #delay = monitorEventLoopDelay({ resolution: 10 })
  readonly #peaks: Peaks = { resident: 0, sockets: 0, connections: 0, streams: 0, buffered: 0, handlers: 0, accounted: 0, delay: 0 }
  readonly violations: string[] = []

  /**
   * @param victim
   * @param checkInterval - how often the invariants are checked, in ms, or 0 where there
   * is no resource manager
   */
  constructor (victim: Victim, checkInterval: number) {
    this.#victim = victim
    this.#delay.enable()
    this.#sample()
    setInterval(() => { this.#sample() }, SAMPLE_INTERVAL)

    if (checkInterval > 0) {
      setInterval(() => { this.#check() }, checkInterval)
    }
  }

  get peaks (): Peaks {
    this.#sample()

    return { ...this.#peaks, delay: this.#delay.max / 1e6 }
  }

  /**
   * What is there now
   */
  count (): Pick<Peaks, 'connections' | 'streams' | 'buffered'> {
    const connections = this.#victim.node.getConnections()
    let streams = 0
    let buffered = 0

    for (const connection of connections) {
      streams += connection.streams.length

      for (const { readBufferLength, writeBufferLength } of connection.streams) {
        buffered += readBufferLength + writeBufferLength
      }
    }

    return { connections: connections.length, streams, buffered }
  }

  #sample (): void {
    const peaks = this.#peaks
    const { connections, streams, buffered } = this.count()

    peaks.resident = Math.max(peaks.resident, process.memoryUsage.rss())
    peaks.sockets = Math.max(peaks.sockets, process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length)
    peaks.connections = Math.max(peaks.connections, connections)
    peaks.streams = Math.max(peaks.streams, streams)
    peaks.buffered = Math.max(peaks.buffered, buffered)
    peaks.handlers = Math.max(peaks.handlers, this.#victim.handlers)
    peaks.accounted = Math.max(peaks.accounted, this.#victim.node.services.resourceManager.viewSystem(scope => scope.stat().memory))
  }

  #check (): void {
    const { streams, buffered } = this.count()

    for (const violation of findViolations(this.#victim.node.services.resourceManager, streams, buffered)) {
      if (this.violations.length < KEPT_VIOLATIONS) {
        this.violations.push(violation)
      }
    }
  }
}
