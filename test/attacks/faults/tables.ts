import { StreamMemory } from '../../../src/libp2p/buffers/stream-memory.ts'
import { StreamTracker } from '../../../src/libp2p/streams/stream-tracker.ts'

/**
 * The tables in which nodes have their connections and streams. What is forgotten there
 * holds nothing any more, so nothing else would ever tell.
 */
export class Tables {
  readonly #tables = new Set<{ readonly size: number }>()
  readonly #restore: Array<() => void> = []

  start (): void {
    const { addConnection } = StreamMemory.prototype
    const { admitInbound, openOutbound } = StreamTracker.prototype
    const tables = this.#tables

    StreamMemory.prototype.addConnection = function (...args) {
      tables.add(this.connections)
      addConnection.apply(this, args)
    }
    StreamTracker.prototype.admitInbound = function (...args) {
      tables.add(this.live)
      return admitInbound.apply(this, args)
    }
    StreamTracker.prototype.openOutbound = async function (...args) {
      tables.add(this.live)
      return openOutbound.apply(this, args)
    }

    this.#restore.push(() => {
      Object.assign(StreamMemory.prototype, { addConnection })
      Object.assign(StreamTracker.prototype, { admitInbound, openOutbound })
    })
  }

  stop (): void {
    this.#restore.splice(0).forEach(restore => { restore() })
    this.#tables.clear()
  }

  /**
   * How many connections and streams are in them
   */
  get entries (): number {
    let sum = 0

    this.#tables.forEach(({ size }) => { sum += size })

    return sum
  }
}
