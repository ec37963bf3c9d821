/**
 * `npm run bench:node`: real nodes with and without a resource manager, in turn.
 *
 * - `npm run bench:node -- streams`: only the experiments with `streams` in their names
 * - `npm run bench:node -- --rounds 480`: takes longer, and is less noisy
 * - `npm run bench:node -- --warm-up 300 connections`: of a node that has run for a while
 *
 * Each variant runs in a process of its own. Over TCP the other end is in this process
 * here. Over the memory transport it is in the process of the variant. It has no manager
 * and is the same for all variants.
 */

import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { head, row } from './markdown.ts'
import { MeasuredProcess } from './node/measured-process.ts'
import { pin } from './node/pin.ts'
import { measureIdleConnections, measureLiveStreams } from './node/retained.ts'
import { measureInRounds, toFigures } from './node/rounds.ts'
import { countStreamInstructions } from './node/stream-instructions.ts'
import { run, serve } from './node/traffic.ts'
import { createNode, METRICS, PLAIN } from './node/variants.ts'
import { formatInterval } from './statistics.ts'
import type { Experiment, Figures, Rounds, Samples } from './node/rounds.ts'
import type { Task } from './node/traffic.ts'
import type { VariantName } from './node/variants.ts'
import type { Libp2p } from '@libp2p/interface'

const STREAMS: Task = { what: 'streams', amount: 96 }
const CONNECTIONS: Task = { what: 'connections', amount: 8 }
const BYTES: Task = { what: 'bytes', amount: 8 * 2 ** 20 }

const MIB = 2 ** 20
const WIDTHS = [26, 14, 14, 21, 21, 15]
const IDLE_CONNECTIONS = 'memory of idle connections'
const LIVE_STREAMS = 'memory of live streams'
const STREAM_INSTRUCTIONS = 'instructions of streams, memory transport'

/**
 * How often new processes are started: no two of the same variant are equally fast
 */
const GENERATIONS = 6

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
  print(head(['', `${unit}s/s`, `CPU/${unit}`, 'speed, ratio', 'CPU time, ratio', 'to'], WIDTHS))

  for (const { variant, perSecond, cpu, compared } of figures) {
    const ratios = compared == null ? ['', '', ''] : [formatInterval(compared.speed), formatInterval(compared.cpu), compared.baseline]

    print(row([variant, perSecond.toFixed(0), `${cpu.toFixed(0)} µs`, ...ratios], WIDTHS))
  }
}

/**
 * @returns What each experiment has measured
 */
async function measureGeneration (experiments: Experiment[], variants: VariantName[], rounds: Rounds): Promise<Samples[]> {
  const processes = await Promise.all(variants.map(async name => MeasuredProcess.start(name)))
  const samples: Samples[] = []

  for (const experiment of experiments) {
    samples.push(await measureInRounds(experiment, processes, rounds))
  }

  await Promise.all(processes.map(async process => process.stop()))

  return samples
}

/**
 * @param experiments
 * @param variants - those that are compared, and are measured in turn
 */
async function compareVariants (experiments: Experiment[], variants: VariantName[]): Promise<Figures[]> {
  const rounds = { warmUp: Number(values['warm-up']), counted: Math.ceil(Number(values.rounds) / GENERATIONS) }

  const generations: Samples[][] = []

  for (let i = 0; i < GENERATIONS && experiments.length > 0; i++) {
    generations.push(await measureGeneration(experiments, variants, rounds))
  }

  return experiments.flatMap((experiment, i) => {
    const figures = toFigures(experiment, generations.map(samples => samples[i]))

    printFigures(figures)

    return figures
  })
}

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    /** Of all generations together */
    rounds: { type: 'string', default: '240' },

    /** Of each process, not counted, while the compiler works */
    'warm-up': { type: 'string', default: '12' }
  }
})
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.some(part => name.includes(part))

const node = await createNode('absent', ['/ip4/127.0.0.1/tcp/0'])
await serve(node)
pin(process.pid, 'other end')

const experiments = experimentsWith(node).filter(({ name }) => isWanted(name))

print(`Node.js ${process.version}, ${cpus()[0].model}, ${cpus().length} cores`)

const results = [
  ...await compareVariants(experiments, PLAIN),
  ...await compareVariants(experiments.filter(({ unit }) => unit === 'stream'), METRICS)
]

const idleConnections = isWanted(IDLE_CONNECTIONS) ? await measureIdleConnections(node) : undefined
const liveStreams = isWanted(LIVE_STREAMS) ? await measureLiveStreams(node) : undefined

for (const [name, bytes] of [[IDLE_CONNECTIONS, idleConnections], [LIVE_STREAMS, liveStreams]] as const) {
  if (bytes != null) {
    print(`\n${head([name, 'each'], WIDTHS)}`)
    Object.entries(bytes).forEach(([variant, each]) => { print(row([variant, `${each} bytes`], WIDTHS)) })
  }
}

const instructions = isWanted(STREAM_INSTRUCTIONS) ? await countStreamInstructions() : undefined

if (instructions != null) {
  print(`\n${head([STREAM_INSTRUCTIONS, 'both ends'], WIDTHS)}`)
  Object.entries(instructions).forEach(([variant, count]) => { print(row([variant, String(count)], WIDTHS)) })
}

await node.stop()
writeFileSync(fileURLToPath(new URL('./results-node.json', import.meta.url)), `${JSON.stringify({ node: process.version, cpu: cpus()[0].model, cores: cpus().length, results, idleConnections, liveStreams, instructions }, null, 2)}\n`)
