/**
 * The process whose instructions are counted
 */

import '../manual-clock.ts'
import { createPeers } from '../peers.ts'
import { countEach } from './count-each.ts'
import { countedOperations } from './counted-operations.ts'

const PEERS = 100

await countEach(countedOperations(createPeers(PEERS)))
