/**
 * Options of Node.js with which V8 does the same each time: it compiles when a function has
 * been called so often, and not when there is time for it, and collects garbage after so
 * many bytes
 */
export const PREDICTABLE = [
  '--single-threaded',
  '--predictable',
  '--hash-seed=1',
  '--random-seed=1',

  // otherwise a share of the memory of the machine
  '--max-old-space-size=4096'
]

/**
 * The environment of processes whose work is counted: no `NODE_OPTIONS`, no `DEBUG`, nothing
 * that is there on one machine only
 */
export const ENVIRONMENT = { PATH: process.env.PATH }
