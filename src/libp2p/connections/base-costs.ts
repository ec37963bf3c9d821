import { availableResources } from '../../limits/available-resources.ts'
import { parseMemorySize } from '../../limits/memory-size.ts'
import type { MemorySize } from '../../limits/memory-size.ts'
import type { BaseCosts } from '../../manager/opening.ts'

/**
 * What connections and streams cost in themselves
 */
export interface BaseCostsInit {
  /**
   * What a connection costs in itself: bytes, or a size such as `'64KiB'`
   *
   * @default 65536
   */
  connection?: MemorySize

  /**
   * What a stream costs in itself: bytes, or a size such as `'10KiB'`
   *
   * @default 10240
   */
  stream?: MemorySize
}

/**
 * What stays allocated for an idle connection or stream, rounded up. It is measured by
 * `bench/base-costs.ts`, in bytes on Node.js 24 with noise, scopes included, the larger of
 * two runs:
 *
 * | transport, muxer  | connection | stream |
 * |-------------------|------------|--------|
 * | TCP, yamux        | 32,012     | 8,459  |
 * | TCP, mplex        | 29,240     | 6,923  |
 * | WebSockets, yamux | 37,703     | 8,005  |
 * | WebSockets, mplex | 33,558     | 6,836  |
 *
 * A relayed connection has 42,989 to 43,681 (yamux within yamux over TCP, three runs), the stream
 * that it comes over included, and a stream of it 7,863: no more than a connection and a stream
 * of TCP. That stream has a scope of its own, with what streams cost, so what is counted of a
 * relayed connection is 74 KiB.
 *
 * An idle WebRTC connection (webrtc-direct) has 51,255, and a stream of it 15,309, without what
 * native code keeps (one run).
 *
 * There is one default for all of them: the smallest is a quarter less than the largest, and
 * a limit by memory is to be understood without knowing which muxer a remote chooses. A
 * connection counts about twice what it costs here, because it has buffers in the
 * operating system and a handshake, which are not measured.
 */
const DEFAULT_BASE_COSTS: BaseCosts = { connection: 64 * 1024, stream: 10 * 1024 }

const NO_BASE_COSTS: BaseCosts = { connection: 0, stream: 0 }

/**
 * @throws {InvalidParametersError} naming the value that is not a number of bytes
 */
export function resolveBaseCosts (init: BaseCostsInit | false = {}): BaseCosts {
  if (init === false) {
    return NO_BASE_COSTS
  }

  const read = (name: keyof BaseCosts): number => {
    const { [name]: size = DEFAULT_BASE_COSTS[name] } = init

    return parseMemorySize(size, `baseCosts.${name}`, () => availableResources().memory, 0)
  }

  return { connection: read('connection'), stream: read('stream') }
}
