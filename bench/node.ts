/**
 * `npm run bench:node`: real nodes with and without a resource manager, in turn.
 *
 * - `npm run bench:node -- streams`: only the experiments with `streams` in their names
 * - `npm run bench:node -- --rounds 40`: takes longer, and is less noisy
 *
 * Each variant runs in a process of its own. Over TCP the other end is in this process
 * here and the same for all variants. Over the memory transport it is in the process of
 * the variant, and is the same kind of node: then both ends pay.
 */

import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { head, row } from './markdown.ts'
import { measureIdleConnections } from './node/idle-connections.ts'
import { MeasuredProcess } from './node/measured-process.ts'
import { measureInRounds } from './node/rounds.ts'
import { run, serve } from './node/traffic.ts'
import { createNode, VARIANT_NAMES } from './node/variants.ts'
import { formatSpread } from './statistics.ts'
import type { Experiment, Figures } from './node/rounds.ts'
import type { Task } from './node/traffic.ts'
import type { Libp2p } from '@libp2p/interface'

const STREAMS: Task = { what: 'streams', amount: 300 }
const CONNECTIONS: Task = { what: 'connections', amount: 20 }
const BYTES: Task = { what: 'bytes', amount: 32 * 2 ** 20 }

const MIB = 2 ** 20
const WIDTHS = [26, 14, 14, 34, 34, 6, 15]
const IDLE_CONNECTIONS = 'memory of idle connections'

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

/**
 * @param node - the other end, where it is not in the measured process
 */
function experimentsWith (node: Libp2p): Experiment[] {
  const [address] = node.getMultiaddrs().map(String)
  const inbound = (task: Task) => async (process: MeasuredProcess) => run(node, process.address, task)
  const outbound = (task: Task) => async (process: MeasuredProcess) => process.ask({ do: 'run', address, task })
  const alone = (task: Task) => async (process: MeasuredProcess) => process.ask({ do: 'run alone', task })

  return [
    { name: 'inbound streams, TCP', unit: 'stream', amount: STREAMS.amount, perform: inbound(STREAMS) },
    { name: 'outbound streams, TCP', unit: 'stream', amount: STREAMS.amount, perform: outbound(STREAMS) },
    { name: 'streams, memory transport', unit: 'stream', amount: STREAMS.amount, perform: alone(STREAMS) },
    { name: 'bytes received, TCP', unit: 'MiB', amount: BYTES.amount / MIB, perform: inbound(BYTES) },
    { name: 'bytes sent, TCP', unit: 'MiB', amount: BYTES.amount / MIB, perform: outbound(BYTES) },
    { name: 'bytes, memory transport', unit: 'MiB', amount: BYTES.amount / MIB, perform: alone(BYTES) },
    { name: 'inbound connections, TCP', unit: 'connection', amount: CONNECTIONS.amount, perform: inbound(CONNECTIONS) },
    { name: 'outbound connections, TCP', unit: 'connection', amount: CONNECTIONS.amount, perform: outbound(CONNECTIONS) }
  ]
}

function printFigures (figures: Figures[]): void {
  const [{ experiment, unit, rounds }] = figures

  print(`\n${experiment}, ${rounds} rounds\n`)
  print(head(['', `${unit}s/s`, `CPU/${unit}`, 'speed, ratio', 'CPU time, ratio', 'quiet', 'to'], WIDTHS))

  for (const { variant, perSecond, cpu, compared } of figures) {
    const ratios = compared == null ? ['', '', '', ''] : [formatSpread(compared.speed), formatSpread(compared.cpu), compared.quietCPU.toFixed(3), compared.baseline]

    print(row([variant, perSecond.toFixed(0), `${cpu.toFixed(0)} µs`, ...ratios], WIDTHS))
  }
}

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '24' } }
})
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.some(part => name.includes(part))

const node = await createNode('absent', ['/ip4/127.0.0.1/tcp/0'])
await serve(node)

const experiments = experimentsWith(node).filter(({ name }) => isWanted(name))
const results: Figures[] = []

print(`Node.js ${process.version}, ${cpus()[0].model}, ${cpus().length} cores`)

if (experiments.length > 0) {
  const processes = await Promise.all(VARIANT_NAMES.map(async name => MeasuredProcess.start(name)))

  for (const experiment of experiments) {
    const figures = await measureInRounds(experiment, processes, Number(values.rounds))

    printFigures(figures)
    results.push(...figures)
  }

  await Promise.all(processes.map(async process => process.stop()))
}

const idleConnections = isWanted(IDLE_CONNECTIONS) ? await measureIdleConnections(node) : undefined

if (idleConnections != null) {
  print(`\n${head([IDLE_CONNECTIONS, 'each'], WIDTHS)}`)
  Object.entries(idleConnections).forEach(([variant, bytes]) => { print(row([variant, `${bytes} bytes`], WIDTHS)) })
}

await node.stop()
writeFileSync(fileURLToPath(new URL('./results-node.json', import.meta.url)), `${JSON.stringify({ node: process.version, cpu: cpus()[0].model, cores: cpus().length, results, idleConnections }, null, 2)}\n`)
