import { invalid } from '../validation.ts'
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
   * @default 10240
   */
  stream?: number
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
 * | WebSockets, yamux | 34,212     | 8,005  |
 * | WebSockets, mplex | 33,558     | 6,836  |
 *
 * There is one default for all of them: the smallest is a fifth less than the largest, and
 * a limit by memory is to be understood without knowing which muxer a remote chooses. A
 * connection counts about twice what it weighs here, because it has buffers in the
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

  const costs: BaseCosts = {
    connection: init.connection ?? DEFAULT_BASE_COSTS.connection,
    stream: init.stream ?? DEFAULT_BASE_COSTS.stream
  }

  for (const [name, bytes] of Object.entries(costs)) {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw invalid(`baseCosts.${name}`, 'a whole number of bytes from 0 on', bytes)
    }
  }

  return costs
}
