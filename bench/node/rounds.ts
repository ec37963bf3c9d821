import { intervalOf, median } from '../statistics.ts'
import { Collector } from './collector.ts'
import { baselineOf } from './variants.ts'
import type { MeasuredProcess } from './measured-process.ts'
import type { VariantName } from './variants.ts'
import type { Interval } from '../statistics.ts'

/**
 * How many rounds of the warm-up are with collections, see `Collector`
 */
const COLLECTED = 3

export interface Rounds {
  /** How many are not counted, while the compiler works */
  warmUp: number

  /** How many are counted */
  counted: number
}

/**
 * What is measured of some variants in turn
 */
export interface Experiment {
  name: string

  /** What is counted */
  unit: string

  /** How many of it there are in a round, which takes some tens of ms */
  amount: number

  perform(process: MeasuredProcess): Promise<void>
}

interface Sample {
  perSecond: number

  /** CPU time of the measured process for each, in µs */
  cpu: number
}

/**
 * What some processes have done, round by round
 */
export type Samples = Map<VariantName, Sample[]>

/**
 * One variant in one experiment
 */
export interface Figures {
  experiment: string
  unit: string
  variant: VariantName
  rounds: number
  perSecond: number

  /** In µs */
  cpu: number

  /** What is compared with another variant */
  compared?: Comparison
}

export interface Comparison {
  baseline: VariantName

  /** Of the numbers per second of the same round */
  speed: Interval

  /** Of the CPU times of the same round */
  cpu: Interval
}

/**
 * Measures all variants again and again, each time in another order: whatever else the
 * machine does then hits all of them alike, and ratios of one round mean something
 */
export async function measureInRounds (experiment: Experiment, processes: MeasuredProcess[], { counted, warmUp }: Rounds): Promise<Samples> {
  const samples: Samples = new Map(processes.map(({ name }) => [name, []]))

  for (const process of processes) {
    // a connection that is slow in its beginning, because everything is collected, fails
    await experiment.perform(process)
  }

  for (let round = 0; round < warmUp; round++) {
    for (const process of processes) {
      await (round < COLLECTED ? performCollected(experiment, process) : experiment.perform(process))
    }
  }

  for (let round = 0; round < counted; round++) {
    for (const process of orderOf(processes, round)) {
      samples.get(process.name)?.push(await measureOnce(experiment, process))
    }
  }

  return samples
}

/**
 * There and back again, and everybody is first as often as the others
 */
function orderOf <T> (values: T[], round: number): T[] {
  const start = Math.floor(round / 2) % values.length
  const rotated = [...values.slice(start), ...values.slice(0, start)]

  return round % 2 === 0 ? rotated : rotated.reverse()
}

/**
 * Both ends collect everything again and again meanwhile, see `Collector`
 */
async function performCollected ({ perform }: Experiment, process: MeasuredProcess): Promise<void> {
  const collector = new Collector()

  collector.run(true)
  await process.ask({ do: 'collect', running: true })
  await perform(process)
  await process.ask({ do: 'collect', running: false })
  collector.run(false)
}

async function measureOnce ({ amount, perform }: Experiment, process: MeasuredProcess): Promise<Sample> {
  const before = await process.ask({ do: 'usage' })
  const start = performance.now()

  await perform(process)

  const seconds = (performance.now() - start) / 1_000
  const after = await process.ask({ do: 'usage' })

  return { perSecond: amount / seconds, cpu: (after.cpu - before.cpu) / amount }
}

/**
 * @param experiment
 * @param generations - what was measured, by each set of processes
 */
export function toFigures ({ name, unit }: Experiment, generations: Samples[]): Figures[] {
  const samplesOf = (variant: VariantName): Sample[][] => generations.map(samples => samples.get(variant) ?? [])

  return [...generations[0].keys()].map(variant => {
    const samples = samplesOf(variant)
    const all = samples.flat()
    const baseline = baselineOf(variant)

    return {
      experiment: name,
      unit,
      variant,
      rounds: all.length,
      perSecond: median(all.map(({ perSecond }) => perSecond)),
      cpu: median(all.map(({ cpu }) => cpu)),
      ...(baseline == null ? {} : { compared: { baseline, ...compare(samples, samplesOf(baseline)) } })
    }
  })
}

function compare (samples: Sample[][], others: Sample[][]): Omit<Comparison, 'baseline'> {
  const ratios = (what: keyof Sample): Interval => intervalOf(samples.map((group, i) => group.map((sample, j) => sample[what] / others[i][j][what])))

  return { speed: ratios('perSecond'), cpu: ratios('cpu') }
}
