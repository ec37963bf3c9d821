import type { AvailableResources } from './available-resources.ts'
import type { MemorySize } from './memory-size.ts'

/**
 * The share of the memory that libp2p takes by default. A node is seldom alone in its process,
 * and the process seldom alone on its machine. go-libp2p's figure.
 */
const MEMORY_SHARE = 1 / 8

/**
 * The share of the open-file limit that libp2p takes by default: the application has files and
 * sockets of its own. go-libp2p's figure.
 */
export const FD_SHARE = 1 / 2

/**
 * What limits are scaled to
 */
export interface ScaleTarget {
  /**
   * Memory that libp2p may use: bytes, a size such as `'2GiB'`, or a percentage of the
   * memory that the process may use. Up to 128 MiB limits keep their base values.
   *
   * @default 0
   */
  memory?: MemorySize

  /**
   * How many file descriptors libp2p may use. With 0, limits keep their base values.
   *
   * @default 0
   */
  fds?: number
}

/**
 * libp2p's share of what the process may use
 */
export function autoScaleTarget (resources: AvailableResources): { memory: number, fds: number } {
  return {
    memory: Math.floor(resources.memory * MEMORY_SHARE),
    fds: Math.floor(resources.fds * FD_SHARE)
  }
}
