import { connectionsOf } from '../reporting/scope-usage.ts'
import { addSummaries, readSummary } from './fleet-summary.ts'
import type { Engine } from './engine.ts'
import type { FleetHolder, FleetSums } from './fleet-stat.ts'

/**
 * Reads what all nodes have told the engine that they hold
 */
export class SumsReader {
  readonly #engine: Engine
  #reading?: Promise<FleetSums>

  constructor (engine: Engine) {
    this.#engine = engine
  }

  /**
   * @throws {Error} if the engine does not answer
   */
  async read (): Promise<FleetSums> {
    // one answer for all who ask at the same time
    this.#reading ??= this.#readNow().finally(() => { this.#reading = undefined })

    return this.#reading
  }

  /**
   * The peers that hold most, largest first
   *
   * @param top - how many
   * @throws {Error} if the engine does not answer
   */
  async holders (top: number): Promise<FleetHolder[]> {
    const { nodes, total } = await this.read()

    return Object.entries(total.peers)
      .map(([peer, held]) => ({ peer, nodes: nodes.filter(({ peers }) => Object.hasOwn(peers, peer)).length, ...held }))
      .sort((a, b) => connectionsOf(b) - connectionsOf(a) || b.memory - a.memory)
      .slice(0, top)
  }

  async #readNow (): Promise<FleetSums> {
    const { nodes } = await this.#engine.read('nodes')
    const summaries = nodes.map(({ age, id, sum }) => ({ node: nameOf(id), age: Number(age), ...readSummary(String(sum)) }))

    return { nodes: summaries, total: addSummaries(summaries) }
  }
}

/**
 * The name of a node, whose id has that of the run after it
 */
function nameOf (id: unknown): string {
  const text = String(id)

  return text.slice(0, text.lastIndexOf('.'))
}
