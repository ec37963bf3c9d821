/**
 * Two Helia nodes, each in a process of its own, exchange files over bitswap and TCP, in
 * both directions at once
 */

import { play } from '../lib/part.ts'
import { exchange } from './exchange.ts'

const MiB = 2 ** 20

await play(async part => exchange(part, [64 * MiB, 512 * MiB], ['/ip4/127.0.0.1/tcp/0']))
