import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

/**
 * What the process may use
 */
export interface AvailableResources {
  /**
   * Memory in bytes
   */
  memory: number

  /**
   * The soft limit of open files: `Infinity` if there is none, 0 if files play no part
   */
  fds: number
}

/**
 * Assumed if the limit cannot be read: for decades, Linux distributions have given processes
 * this soft limit
 */
const FALLBACK_OPEN_FILES = 1024

/**
 * Assumed if the memory cannot be read, in bytes: as for a browser that does not tell
 */
const FALLBACK_MEMORY = 2 * 2 ** 30

/**
 * The memory that a process can use, in bytes
 *
 * @param total - the memory of the machine
 * @param constrained - the limit of the container. Where there is none, this is
 * 0 or more than the machine has.
 */
export function usableMemory (total: number, constrained = 0): number {
  return constrained > 0 ? Math.min(total, constrained) : total
}

function parseCount (value: unknown): number | undefined {
  if (value === 'unlimited') {
    return Infinity
  }

  const count = Number(value)

  return Number.isInteger(count) && count > 0 ? count : undefined
}

/**
 * Finds the soft open-file limit in the text of `/proc/self/limits`
 */
export function parseProcLimits (text: string): number | undefined {
  return parseCount(/^Max open files +(\w+)/m.exec(text)?.[1])
}

function openFilesFromProc (): number | undefined {
  try {
    return parseProcLimits(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    // not Linux, or /proc is not mounted
  }
}

/**
 * Node.js has no call for resource limits, but lists them in its diagnostic report, which it
 * makes in one or two milliseconds. On Windows it lists none.
 */
export function openFilesFromReport (): number | undefined {
  const report: any = process.report

  if (report?.getReport == null) {
    return
  }

  const { excludeNetwork } = report

  try {
    // otherwise the names of all remote addresses are looked up
    report.excludeNetwork = true

    return parseCount(report.getReport().userLimits?.open_files?.soft)
  } catch {
    // not allowed to make one
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

function openFileLimit (): number {
  if (process.platform === 'win32') {
    // sockets are handles there, which only memory limits
    return Infinity
  }

  return openFilesFromProc() ?? openFilesFromReport() ?? FALLBACK_OPEN_FILES
}

/**
 * Deno throws without the permission `--allow-sys`, and gives the same figure for both
 */
function tryMemory (read: () => number | undefined): number | undefined {
  try {
    return read()
  } catch {
    // what is assumed instead is less than most machines have
  }
}

/**
 * The memory that this process may use, in bytes, and `undefined` where it cannot be read
 */
export function readMemory (total: () => number = totalmem, constrained: () => number | undefined = () => process.constrainedMemory?.()): number | undefined {
  const ofContainer = tryMemory(constrained)
  const memory = usableMemory(tryMemory(total) ?? Infinity, ofContainer)

  return Number.isSafeInteger(memory) ? memory : undefined
}

let cached: AvailableResources | undefined

/**
 * What this process may use: the memory of the machine or, if it is less, of the container, and
 * the soft limit of open files. They are read once. A figure that cannot be read is assumed.
 */
export function availableResources (): AvailableResources {
  cached ??= Object.freeze({
    memory: readMemory() ?? FALLBACK_MEMORY,
    fds: openFileLimit()
  })

  return cached
}
