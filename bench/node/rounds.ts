import { median, quantile, spreadOf } from '../statistics.ts'
import { baselineOf } from './variants.ts'
import type { MeasuredProcess } from './measured-process.ts'
import type { VariantName } from './variants.ts'
import type { Spread } from '../statistics.ts'

/**
 * Rounds that are not counted, while the compiler works
 */
const WARM_UP = 4

/**
 * The share of the rounds in which the machine did little else
 */
const QUIET = 0.1

/**
 * What is measured of all variants in turn
 */
export interface Experiment {
  name: string

  /** What is counted */
  unit: string

  /** How many of it there are in a round */
  amount: number

  perform(process: MeasuredProcess): Promise<void>
}

interface Sample {
  perSecond: number

  /** CPU time of the measured process for each, in µs */
  cpu: number
}

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
  speed: Spread

  /** Of the CPU times of the same round */
  cpu: Spread

  /**
   * Of the CPU times in the tenth of the rounds in which they were shortest. What else
   * the machine does only ever makes them longer.
   */
  quietCPU: number
}

/**
 * Measures all variants again and again, each time in another order: whatever else the
 * machine does then hits all of them alike, and ratios of one round mean something
 */
export async function measureInRounds (experiment: Experiment, processes: MeasuredProcess[], rounds: number): Promise<Figures[]> {
  const samples = new Map<VariantName, Sample[]>(processes.map(({ name }) => [name, []]))

  for (let round = -WARM_UP; round < rounds; round++) {
    for (const process of orderOf(processes, round + WARM_UP)) {
      const sample = await measureOnce(experiment, process)

      if (round >= 0) {
        samples.get(process.name)?.push(sample)
      }
    }
  }

  return processes.map(({ name }) => toFigures(experiment, name, samples))
}

/**
 * Everybody is first as often as the others, and after each of its neighbours as often
 * as before it
 */
function orderOf <T> (values: T[], round: number): T[] {
  const start = round % values.length
  const rotated = [...values.slice(start), ...values.slice(0, start)]

  return Math.floor(round / values.length) % 2 === 0 ? rotated : rotated.reverse()
}

async function measureOnce ({ amount, perform }: Experiment, process: MeasuredProcess): Promise<Sample> {
  const before = await process.ask({ do: 'usage' })
  const start = performance.now()

  await perform(process)

  const seconds = (performance.now() - start) / 1_000
  const after = await process.ask({ do: 'usage' })

  return { perSecond: amount / seconds, cpu: (after.cpu - before.cpu) / amount }
}

function toFigures ({ name, unit }: Experiment, variant: VariantName, all: Map<VariantName, Sample[]>): Figures {
  const samples = all.get(variant) ?? []
  const baseline = baselineOf(variant)

  return {
    experiment: name,
    unit,
    variant,
    rounds: samples.length,
    perSecond: median(samples.map(({ perSecond }) => perSecond)),
    cpu: median(samples.map(({ cpu }) => cpu)),
    ...(baseline == null ? {} : { compared: { baseline, ...compare(samples, all.get(baseline) ?? []) } })
  }
}

function compare (samples: Sample[], others: Sample[]): Omit<Comparison, 'baseline'> {
  const quiet = (values: Sample[]): number => quantile(values.map(({ cpu }) => cpu), QUIET)

  return {
    speed: spreadOf(samples.map(({ perSecond }, i) => perSecond / others[i].perSecond)),
    cpu: spreadOf(samples.map(({ cpu }, i) => cpu / others[i].cpu)),
    quietCPU: quiet(samples) / quiet(others)
  }
}
