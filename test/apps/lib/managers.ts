import { setTimeout } from 'node:timers/promises'
import { resourceManager } from 'libp2p-resource-manager'
import type { RefusalCount, ResourceManagerInit, ResourceManagerStat } from 'libp2p-resource-manager'

/**
 * - `none`: the control, nodes have no resource manager
 * - `observe`: it refuses nothing and counts what it would have refused
 * - `enforce`: as its users have it, with all defaults
 */
export type Mode = 'none' | 'observe' | 'enforce'

type ResourceManagerFactory = ReturnType<typeof resourceManager>

/**
 * How long nodes that have stopped may take to release everything, in ms. Handlers may
 * still run then, and sockets may still be closing.
 */
const PATIENCE = 15_000

/**
 * What the managers of nodes that have stopped say
 */
export interface ManagersReport {
  /** How many there were */
  managers: number
  /** What they have refused, such as `stream memory: 3` */
  refused: Record<string, number>
  /** What they still hold, such as `system.numFD: 1` */
  held: string[]
}

/**
 * Gives every node a resource manager, or none
 */
export class Managers {
  readonly mode: Mode
  readonly #running: Array<ReturnType<ResourceManagerFactory>> = []
  readonly #report: ManagersReport = { managers: 0, refused: {}, held: [] }

  constructor (mode: Mode) {
    this.mode = mode
  }

  /**
   * To be spread over the services of a node
   *
   * @param init - for the few nodes that could not do their work with all defaults
   */
  services (init?: ResourceManagerInit): { resourceManager?: ResourceManagerFactory } {
    if (this.mode === 'none') {
      return {}
    }

    const create = resourceManager({ ...init, enforce: this.mode === 'enforce' })

    return {
      resourceManager: (components) => {
        const manager = create(components)

        this.#running.push(manager)

        return manager
      }
    }
  }

  /**
   * Waits until nothing is held any more. All nodes have to have been stopped.
   *
   * @returns What the managers of all nodes have said since the beginning
   */
  async report (): Promise<ManagersReport> {
    const managers = this.#running.splice(0)
    const { refused, held } = this.#report
    const holding = (): string[] => managers.flatMap(manager => heldIn(manager.stat()))

    for (const deadline = Date.now() + PATIENCE; holding().length > 0 && Date.now() < deadline;) {
      await setTimeout(10)
    }

    for (const refusal of managers.flatMap(manager => manager.refusals())) {
      const name = nameOf(refusal)

      refused[name] = (refused[name] ?? 0) + refusal.count
    }

    held.push(...holding())
    this.#report.managers += managers.length

    return this.#report
  }
}

function nameOf ({ kind, direction, resource }: RefusalCount): string {
  return [kind, direction, resource].filter(part => part != null).join(' ')
}

function heldIn ({ system, transient, allowlistedSystem, allowlistedTransient, services, protocols, peers }: ResourceManagerStat): string[] {
  const groups = [{ system, transient, allowlistedSystem, allowlistedTransient }, services, protocols, peers]

  return groups.flatMap(group => Object.entries(group).flatMap(([scope, stat]) => {
    return Object.entries(stat).filter(([, value]) => value !== 0).map(([counter, value]) => `${scope}.${counter}: ${value}`)
  }))
}
