/**
 * The process whose instructions are counted: a node of the variant in its argument
 * opens streams to one without a manager, over the memory transport, or the other way
 * round. It says at the end how many streams there were in a round.
 */

import { mark } from '../instructions/mark.ts'
import { run, serve } from './traffic.ts'
import { createNode } from './variants.ts'
import type { VariantName } from './variants.ts'

const STREAMS_BEFORE = 400
const STREAMS = 100
const ROUNDS = 3

const [, , variant, direction] = process.argv
const node = await createNode(variant as VariantName, ['/memory/measured'])
const neighbour = await createNode('absent', ['/memory/neighbour'])
const [from, to] = direction === 'inbound' ? [neighbour, node] : [node, neighbour]
const address = to.getMultiaddrs()[0].toString()

await serve(node)
await serve(neighbour)
await run(from, address, { what: 'streams', amount: STREAMS_BEFORE })
mark()

for (let round = 0; round < ROUNDS; round++) {
  await run(from, address, { what: 'streams', amount: STREAMS })
  mark()
}

process.stdout.write(String(STREAMS), () => { process.exit() })
