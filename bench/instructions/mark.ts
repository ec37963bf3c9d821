/**
 * Tells what comes before apart from what comes after, where callgrind counts
 */
export function mark (): void {
  process.cpuUsage()
}
