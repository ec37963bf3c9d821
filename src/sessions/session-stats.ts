/**
 * What sessions that have ended add up to
 */
export interface SessionStats {
  /** How many sessions there were */
  totalSessions: number

  /** Bytes received */
  totalRxBytes: number

  /** Bytes sent */
  totalTxBytes: number
}

export function noSessions (): SessionStats {
  return { totalSessions: 0, totalRxBytes: 0, totalTxBytes: 0 }
}

export function addStats (stats: SessionStats, more: Readonly<SessionStats>): void {
  stats.totalSessions = addWhole(stats.totalSessions, more.totalSessions)
  stats.totalRxBytes = addWhole(stats.totalRxBytes, more.totalRxBytes)
  stats.totalTxBytes = addWhole(stats.totalTxBytes, more.totalTxBytes)
}

/**
 * What is left of a sum without a part of it
 */
export function without (stats: Readonly<SessionStats>, part: Readonly<SessionStats>): SessionStats {
  return {
    totalSessions: Math.max(0, stats.totalSessions - part.totalSessions),
    totalRxBytes: Math.max(0, stats.totalRxBytes - part.totalRxBytes),
    totalTxBytes: Math.max(0, stats.totalTxBytes - part.totalTxBytes)
  }
}

export function isNothing ({ totalRxBytes, totalSessions, totalTxBytes }: Readonly<SessionStats>): boolean {
  return totalSessions === 0 && totalRxBytes === 0 && totalTxBytes === 0
}

/**
 * A sum that stays a number which can be written and read back exactly
 */
function addWhole (a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER)
}
