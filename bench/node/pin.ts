import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

/**
 * Gives a process, with all of its threads, a core of its own, so that what it takes
 * does not depend on where the other end runs. Does nothing where it cannot be done.
 *
 * @param pid
 * @param role - the measured processes share a core: one of them runs at a time
 */
export function pin (pid: number, role: 'measured' | 'other end'): void {
  if (cpus().length > 1) {
    spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', role === 'measured' ? '1' : '0', String(pid)])
  }
}
