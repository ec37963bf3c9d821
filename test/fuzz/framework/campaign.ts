import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../../attacks/framework/child.ts'
import { untilNothingLeft } from '../../attacks/framework/run-attack.ts'
import { stageOf } from './cases.ts'
import { hasRelay } from './stacks.ts'
import { serveStranger } from './stranger.ts'
import type { AttackerOptions } from './attacker.ts'
import type { Stack } from './stacks.ts'
import type { VictimMemory, VictimOptions } from './victim.ts'

const MiB = 2 ** 20

/**
 * By how much the memory of the victim may grow, in MiB: what is resident during the cases, and what is not garbage after them
 */
const MAX_RESIDENT_GROWTH = 384
const MAX_USED_GROWTH = 64

/**
 * How much more it may be with WebRTC, whose peer connections weigh more and are garbage later
 */
const WEBRTC_FACTOR = 2

/**
 * How long what the attackers had may take to go, in ms: far longer than it takes, so that only what stays fails
 */
const PATIENCE = 30_000

const POLL_INTERVAL = 50

/**
 * How much the victim may print, in characters
 */
const MAX_OUTPUT = 5_000

/**
 * After so many deaths nothing new is learned
 */
const MAX_DEATHS = 5

export interface CampaignOptions {
  stack: Stack
  seed: number

  /** The name of the only stage that is attacked */
  only?: string

  /** The first case, and the first one that is not run */
  from: number
  to: number

  /** How many cases there are between two samples of the victim */
  batch: number

  /** How long cases are begun with, in ms, of each victim */
  duration: number
}

export interface CampaignReport {
  /** How many cases were run */
  cases: number

  /** How often the victim has died, or has not served a stranger */
  deaths: number

  /** What went wrong, for people */
  problems: string[]

  /** By how much the resident memory grew, in MiB */
  resident: number
  refused: number
}

/**
 * Where the module of the relay is
 */
const ATTACKS = new URL('../../attacks/framework/', import.meta.url).href

/**
 * The processes of a victim and of those who attack it
 */
class Scene {
  readonly #children: Child[]
  readonly victim: Child
  readonly attacker: Child
  readonly address: string

  private constructor (children: Child[], victim: Child, attacker: Child, address: string) {
    this.#children = children
    this.victim = victim
    this.attacker = attacker
    this.address = address
  }

  static async start ({ stack, seed, only }: CampaignOptions): Promise<Scene> {
    const children: Child[] = []
    const start = async (name: string, options: unknown, directory: string = import.meta.url): Promise<Child> => {
      const child = await Child.start(name, options, [], directory)

      children.push(child)

      return child
    }

    try {
      const relay = hasRelay(stack) ? await (await start('relay', {}, ATTACKS)).ask<string>('address') : undefined
      const victim = await start('victim', { stack: stack.name, seed, relay } satisfies VictimOptions)
      const address = await victim.ask<string>('address')
      // what is in the memory of a process can only be reached from there
      const attacker = stack.via === 'memory' ? victim : await start('attacker', { stack: stack.name, address, seed, only } satisfies AttackerOptions)

      return new Scene(children, victim, attacker, address)
    } catch (err) {
      await Promise.all(children.map(async child => child.end()))
      throw err
    }
  }

  async end (): Promise<void> {
    await Promise.all(this.#children.map(async child => child.end()))
  }
}

/**
 * Runs cases against one victim, until they have been run or it has died
 */
class Life {
  readonly #options: CampaignOptions
  readonly #report: CampaignReport
  readonly #scene: Scene
  #before?: VictimMemory

  constructor (options: CampaignOptions, report: CampaignReport, scene: Scene) {
    this.#options = options
    this.#report = report
    this.#scene = scene
  }

  /**
   * @returns The next case
   */
  async run (from: number): Promise<number> {
    const { stack, only, to, batch, duration } = this.#options
    const { address, attacker, victim } = this.#scene
    let next = from

    try {
      // both ends do everything once
      await this.#serveStranger()
      this.#before = await victim.ask<VictimMemory>('memory')

      const deadline = Date.now() + duration

      while (next < to && Date.now() < deadline) {
        const end = Math.min(next + batch, to)
        const range = { from: next, to: end }

        next = end
        await attacker.ask('run', range)
        await victim.ask('refused')
        this.#report.cases += range.to - range.from
        await this.#serveStranger()
      }

      await this.#assess()
    } catch (err: any) {
      const stages = Array.from({ length: Math.min(batch, next - from) }, (_, i) => stageOf(stack, next - 1 - i, only).name)

      this.#report.deaths++
      this.#report.problems.push(`cases ${Math.max(from, next - batch)} to ${next} (${[...new Set(stages)].join(', ')}) of ${address}: ${err.message}`)
    }

    return next
  }

  /**
   * Waits until a stranger is served: as long as what is left of the cases takes to time out
   */
  async #serveStranger (): Promise<void> {
    const { stack } = this.#options
    const deadline = Date.now() + PATIENCE

    // which is in another process
    while (stack.via !== 'memory') {
      try {
        return await serveStranger(stack, this.#scene.address)
      } catch (err) {
        // it tells why where it is dead
        await this.#scene.victim.ask('refused')

        if (Date.now() > deadline) {
          throw err
        }

        await sleep(POLL_INTERVAL)
      }
    }
  }

  async #assess (): Promise<void> {
    const { victim } = this.#scene
    const { problems } = this.#report
    const factor = this.#options.stack.webRtc ? WEBRTC_FACTOR : 1
    const left = await untilNothingLeft(victim, PATIENCE)
    const after = await victim.ask<VictimMemory>('memory')
    const resident = this.#growth(after, 'resident')
    const used = this.#growth(after, 'used')

    this.#report.resident = Math.max(this.#report.resident, resident)
    this.#report.refused += await victim.ask<number>('refused')
    problems.push(
      ...(left.length === 0 ? [] : [`still held when all were gone: ${left.join(', ')}`]),
      // there the attackers are in the same process
      ...(resident <= factor * MAX_RESIDENT_GROWTH || this.#options.stack.via === 'memory' ? [] : [`the resident memory has grown by ${resident} MiB`]),
      ...(used <= factor * MAX_USED_GROWTH ? [] : [`${used} MiB more are used when all is over`]),
      ...(victim.output.length <= MAX_OUTPUT ? [] : [`the victim has printed: ${victim.output}`])
    )
  }

  #growth (after: VictimMemory, what: keyof VictimMemory): number {
    return Math.round((after[what] - (this.#before?.[what] ?? 0)) / MiB)
  }
}

/**
 * Runs cases against a victim. One that dies is replaced, and what it has printed is a problem.
 */
export async function runCampaign (options: CampaignOptions): Promise<CampaignReport> {
  const report: CampaignReport = { cases: 0, deaths: 0, problems: [], resident: 0, refused: 0 }
  let next = options.from
  let deaths: number

  do {
    deaths = report.deaths

    const scene = await Scene.start(options)

    try {
      next = await new Life(options, report, scene).run(next)
    } finally {
      await scene.end()
    }
    // as long as it dies there is more to be found
  } while (next < options.to && report.deaths > deaths && report.deaths < MAX_DEATHS)

  return report
}
