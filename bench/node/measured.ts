/**
 * The process with the node that is measured. It does what the parent process says.
 */

import { Collector } from './collector.ts'
import { run, serve } from './traffic.ts'
import { createNode } from './variants.ts'
import type { Task } from './traffic.ts'
import type { VariantName } from './variants.ts'

/**
 * How long everything gets to settle before memory is measured, in ms
 */
const SETTLE = 500

export interface Usage {
  /** CPU time of the process, in µs */
  cpu: number
}

export type Request =
  { do: 'usage' } |
  { do: 'collect', running: boolean } |
  { do: 'memory' } |
  { do: 'run', address: string, task: Task } |
  { do: 'run alone', task: Task }

export interface Answer {
  result?: any
  error?: string
}

const name = process.argv[2] as VariantName
const node = await createNode(name, ['/ip4/127.0.0.1/tcp/0'])

const collector = new Collector()

// has no manager: what is compared is one node with and without
const neighbour = await createNode('absent', ['/memory/neighbour'])

await serve(node)
await serve(neighbour)

function usage (): Usage {
  const { user, system } = process.cpuUsage()

  return { cpu: user + system }
}

/**
 * Bytes that stay allocated
 */
async function retained (): Promise<number> {
  for (let i = 0; i < 2; i++) {
    await new Promise(resolve => setTimeout(resolve, SETTLE))
    globalThis.gc?.()
  }

  const { heapUsed, external } = process.memoryUsage()

  return heapUsed + external
}

async function answer (request: Request): Promise<unknown> {
  switch (request.do) {
    case 'usage':
      return usage()
    case 'collect':
      return collector.run(request.running)
    case 'memory':
      return retained()
    case 'run':
      return run(node, request.address, request.task)
    default:
      return run(node, neighbour.getMultiaddrs()[0].toString(), request.task)
  }
}

process.on('message', (request: Request) => {
  answer(request).then(
    result => { process.send?.({ result }) },
    (err: any) => { process.send?.({ error: String(err?.stack) }) }
  )
})

process.on('disconnect', () => { process.exit() })
process.send?.({ result: node.getMultiaddrs()[0].toString() })
