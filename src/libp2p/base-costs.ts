import { InvalidParametersError } from '@libp2p/interface'
import type { BaseCosts } from '../scope-opener.ts'

export interface BaseCostsInit {
  /**
   * What a connection weighs in itself, in bytes
   *
   * @default 65536
   */
  connection?: number

  /**
   * What a stream weighs in itself, in bytes
   *
   * @default 8192
   */
  stream?: number
}

/**
 * What stays allocated for an idle connection or stream, rounded up to a power of
 * two. `bench/base-costs.ts` measures, in bytes on Node.js 24 with noise:
 *
 * | transport, muxer  | connection | stream |
 * |-------------------|------------|--------|
 * | TCP, yamux        | 44,000     | 7,000  |
 * | TCP, mplex        | 41,000     | 7,800  |
 * | WebSockets, yamux | 51,000     | 7,000  |
 * | WebSockets, mplex | 31,000     | 5,900  |
 */
const DEFAULT_BASE_COSTS: BaseCosts = { connection: 64 * 1024, stream: 8 * 1024 }

const NO_BASE_COSTS: BaseCosts = { connection: 0, stream: 0 }

/**
 * @throws {InvalidParametersError} naming the value that is not a number of bytes
 */
export function resolveBaseCosts (init: BaseCostsInit | false = {}): BaseCosts {
  if (init === false) {
    return NO_BASE_COSTS
  }

  const costs: BaseCosts = {
    connection: init.connection ?? DEFAULT_BASE_COSTS.connection,
    stream: init.stream ?? DEFAULT_BASE_COSTS.stream
  }

  for (const [name, bytes] of Object.entries(costs)) {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new InvalidParametersError(`baseCosts.${name}: expected a whole number of bytes from 0 on, got ${String(bytes)}`)
    }
  }

  return costs
}
