/**
 * A priority of `reserveMemory`, from 0 to 255, with the value of go-libp2p: such a reservation
 * fits while less than about 40% of the memory is in use
 */
export const MEMORY_PRIORITY_LOW = 101

/**
 * A priority of `reserveMemory`, from 0 to 255, with the value of go-libp2p: such a reservation
 * fits while less than about 60% of the memory is in use
 */
export const MEMORY_PRIORITY_MEDIUM = 152

/**
 * A priority of `reserveMemory`, from 0 to 255, with the value of go-libp2p: such a reservation
 * fits while less than about 80% of the memory is in use
 */
export const MEMORY_PRIORITY_HIGH = 203

/**
 * The highest priority of `reserveMemory`, with the value of go-libp2p: such a reservation fits
 * until all memory, 100%, is in use
 */
export const MEMORY_PRIORITY_ALWAYS = 255

/**
 * The priority with which base costs are reserved. What remotes open may not fill the last 20% of the
 * memory, which is for this node itself.
 */
export function openingPriority (inbound: boolean): number {
  return inbound ? MEMORY_PRIORITY_HIGH : MEMORY_PRIORITY_ALWAYS
}

/**
 * How many bytes of a limit a priority may fill: `floor((1 + p) × limit / 256)`, as in go-libp2p.
 *
 * The product can exceed 2^53, so the limit is split at its last byte: both parts stay exact.
 */
export function memoryThreshold (limit: number, priority: number): number {
  if (priority === MEMORY_PRIORITY_ALWAYS || limit === Infinity) {
    return limit
  }

  const share = 1 + priority
  const rest = limit % 256

  return share * ((limit - rest) / 256) + Math.floor(share * rest / 256)
}
