import { ConnectionLimitExceededError } from '../errors.ts'
import { runInSlices } from '../util/slices.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import type { FleetMember } from '../manager/fleet-link.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Slice } from '../util/slices.ts'

/**
 * A scope or subnet that may have more connections than the fleet allows
 */
export interface YieldingScope {
  readonly key: string
  held(field: number): number

  /** What it may have now */
  roomOf(field: number): number

  /** Whether a connection is one of those that may end for it */
  yields(connection: DefaultConnectionScope): boolean
}

export interface GiveWayInit {
  member: FleetMember

  /** A connection has ended because the fleet had too many */
  ended(): void
}

/**
 * Ends the youngest connections of scopes that have too many. There may be many connections, and
 * many scopes in one answer, so it works in slices.
 */
export class GiveWay {
  readonly #init: GiveWayInit
  readonly #queue: Array<{ scope: YieldingScope, field: number, to: number }> = []
  #running = false

  constructor (init: GiveWayInit) {
    this.#init = init
  }

  stop (): void {
    this.#queue.length = 0
  }

  /**
   * @param scope
   * @param field - of its limit
   * @param to - how much may stay
   */
  add (scope: YieldingScope, field: number, to: number): void {
    this.#queue.push({ scope, field, to })

    if (!this.#running) {
      this.#running = true
      // with all others of the same answer
      setBackgroundTimer(() => {
        runInSlices(slice => this.#work(slice), () => { this.#running = false }, setBackgroundTimer)
      }, 0)
    }
  }

  * #work (slice: Slice): Generator<undefined, void, undefined> {
    const { ended, member: { metricsSource: { graph: { connections } } } } = this.#init

    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const { field, scope, to } = next
      const found = new Set<DefaultConnectionScope>()

      for (let i = connections.size - 1; i >= 0; i--) {
        const connection = connections.at(i)

        connection !== undefined && scope.yields(connection) && found.add(connection)

        if (slice.over) {
          yield
        }
      }

      // it may have been stopped meanwhile
      if (this.#queue[0] === next) {
        this.#queue.shift()

        const newest = [...found]
          .filter(connection => connection.position !== -1 && scope.yields(connection))
          .sort((a, b) => b.serial - a.serial)

        // more may have been leased meanwhile
        endNewest(newest, () => scope.held(field) > Math.max(to, scope.roomOf(field)), scope.key, ended)
      }
    }
  }
}

/**
 * Ends connections, the first ones first, as long as there are too many
 */
function endNewest (connections: DefaultConnectionScope[], tooMany: () => boolean, scope: string, ended: () => void): void {
  for (const connection of connections) {
    if (!tooMany()) {
      return
    }

    if (connection.holder?.evict(new ConnectionLimitExceededError(`${scope}: the fleet has more connections than it may`, { scope, attempted: 1, current: 0, limit: 0 }), '') === true) {
      ended()
    }
  }
}
