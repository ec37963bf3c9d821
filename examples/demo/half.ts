import { Child } from './child.ts'
import { TRANSFER_SIZE } from './node.ts'
import type { HonestReport } from './honest.ts'
import type { VictimReport, VictimResult } from './victim.ts'

/**
 * How long the honest peer is alone, and then the attack lasts, in ms
 */
const CALM = 2_000
const ATTACK = 10_000

/**
 * How long it goes on while the node without a resource manager is alive: where the machine
 * is busy with something else, those who attack are slow as well
 */
const LONGEST_ATTACK = 20_000

/**
 * How long after that the honest peer begins its download, in ms
 */
const DOWNLOAD_AFTER = 2_000

/**
 * How long nothing may be heard of a node before it counts as dead, in ms
 */
const SILENCE = 5_000

const LOOK_INTERVAL = 100

/**
 * Where the demonstration kills a node, as the kernel does it in a container of this size
 */
export const MEMORY_OF_MACHINE = 384 * 2 ** 20

export type Variant = 'without' | 'with'
export type Phase = 'waits' | 'starts' | 'calm' | 'attacked' | 'stops' | 'over'

async function sleep (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}

/**
 * One half of the demonstration: a node under attack, and what becomes of it
 */
export class Half {
  readonly variant: Variant
  phase: Phase = 'waits'

  /** What killed the node, and after how long under attack in ms, if something did */
  death?: { cause: string, after: number }
  victim?: VictimReport
  honest?: HonestReport
  result?: VictimResult
  mostResident = 0
  mostConnections = 0
  mostStreams = 0

  /** The resident memory over time, in bytes */
  readonly memory: number[] = []
  readonly latencies: number[] = []
  #attackStarted?: number
  #ended = false

  /** How long the attack has lasted, in ms */
  duration = 0

  constructor (variant: Variant) {
    this.variant = variant
  }

  /**
   * In ms since the attack began
   */
  get attacked (): number {
    return this.#attackStarted == null ? 0 : performance.now() - this.#attackStarted
  }

  get successRate (): number {
    const { failed = 0, succeeded = 0 } = this.honest ?? {}
    const total = succeeded + failed

    return total === 0 ? 0 : succeeded / total
  }

  get downloaded (): boolean {
    return this.honest?.downloaded === TRANSFER_SIZE
  }

  latency (share: number): number {
    return [...this.latencies].sort((a, b) => a - b)[Math.floor(this.latencies.length * share)] ?? 0
  }

  /**
   * @param attack - How long the attack lasts, in ms
   * @param longest - how long it goes on if the node is still alive then
   */
  async run (attack: number = ATTACK, longest: number = LONGEST_ATTACK): Promise<void> {
    this.phase = 'starts'

    const victim = new Child('victim', this.variant)
    let heard = performance.now()

    victim.onMessage<VictimReport | VictimResult>(message => {
      heard = performance.now()
      this.#hear(message)
    })
    await victim.ready()

    const { address } = this.victim as VictimReport
    const honest = new Child('honest', address)

    honest.onMessage<HonestReport>(report => {
      this.honest = report
      this.latencies.push(...report.latencies)
    })
    await honest.ready()

    this.phase = 'calm'
    await sleep(CALM)
    this.phase = 'attacked'
    this.#attackStarted = performance.now()

    const hostile = new Child('hostile', address)
    const downloading = setTimeout(() => { honest.send('download') }, DOWNLOAD_AFTER)

    while (!this.#ended && (this.attacked < attack || (this.death == null && this.attacked < longest))) {
      await sleep(LOOK_INTERVAL)
      this.#findDeath(victim, performance.now() - heard)
    }

    this.phase = 'stops'
    this.duration = this.attacked

    clearTimeout(downloading)
    await honest.stop()
    await hostile.stop()
    await victim.stop()
    this.phase = 'over'
  }

  /**
   * Ends the attack early
   */
  end (): void {
    this.#ended = true
  }

  #hear (message: VictimReport | VictimResult): void {
    if ('refusals' in message) {
      this.result = message
      return
    }

    this.victim = message
    this.memory.push(message.resident)
    this.mostResident = Math.max(this.mostResident, message.resident)
    this.mostConnections = Math.max(this.mostConnections, message.connections)
    this.mostStreams = Math.max(this.mostStreams, message.streams)
  }

  #findDeath (victim: Child, silence: number): void {
    const cause = this.death == null ? this.#causeOfDeath(victim, silence) : undefined

    if (cause != null) {
      this.death = { cause, after: this.attacked }
      victim.kill()
    }
  }

  #causeOfDeath (victim: Child, silence: number): string | undefined {
    if (!victim.running) {
      return 'its process crashed'
    }

    if (this.mostResident > MEMORY_OF_MACHINE) {
      return 'out of memory'
    }

    if (silence > SILENCE) {
      return 'it did not answer any more'
    }
  }
}
