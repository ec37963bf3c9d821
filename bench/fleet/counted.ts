/**
 * The process whose instructions are counted: admissions with a fleet or without. Each has a process
 * of its own, as the compiler makes other code where it has seen two managers.
 */

// eslint-disable-next-line import/order -- before anything else
import { passTime } from '../manual-clock.ts'
import { countEach } from '../instructions/count-each.ts'
import { NOTHING } from '../instructions/counted-operations.ts'
import { createPeers } from '../peers.ts'
import { admissions, ADMISSIONS } from './admissions.ts'
import type { Kind } from './admissions.ts'

/** How long leases last, in ms: none is renewed while something is counted */
const TTL = 600_000

/** How much time passes between two scans, in operations: ten seconds */
const STEP = 50_000

/**
 * How often that much passes before anything is counted: two minutes, after which scopes that were
 * new have been scanned once
 */
const SETTLE = 12

/** Lets some time pass, and whoever waits for an answer go on */
async function wait (): Promise<void> {
  passTime(STEP)
  await new Promise(resolve => { setImmediate(resolve) })
}

const [peer] = createPeers(1)
const all = await admissions(process.argv[2] as Kind, peer, { ttl: TTL, wait })

for (let i = 0; i < SETTLE; i++) {
  await wait()
}

await countEach([NOTHING, ...ADMISSIONS.map(name => ({ name, times: 1, prepare: () => all[name] }))])
