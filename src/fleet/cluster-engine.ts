import { answerOf, isArgument, newsOf, readCall } from './cluster-messages.ts'
import { MemoryEngine } from './memory-engine.ts'
import { LAYOUT_VERSION } from './protocol.ts'
import type { ClusterAnswer, ClusterCall, ClusterNews } from './cluster-messages.ts'
import type { ScriptName } from './protocol.ts'

/**
 * The fleets of the workers of a `cluster`, in their primary. A worker is whoever sends
 * something.
 */
export class ClusterEngine<Worker extends object> {
  readonly engine: MemoryEngine

  /** Those that have called something */
  readonly #workers = new Set<Worker>()

  /** Messages of a worker may come after its end */
  readonly #ended = new WeakSet<Worker>()
  readonly #send: (worker: Worker, message: ClusterAnswer | ClusterNews) => void

  /**
   * @param send - tells a worker something
   * @param published - is told of what a script has published, as the workers are
   * @param now - in ms since 1970
   */
  constructor (send: (worker: Worker, message: ClusterAnswer | ClusterNews) => void, published: (channel: string, message: string) => void = () => {}, now?: () => number) {
    this.#send = send
    // workers end with their primary: those of an earlier one are not there any more
    this.engine = new MemoryEngine((channel, message) => {
      published(channel, message)
      this.#workers.forEach(worker => { send(worker, newsOf(channel, message)) })
    }, now, true)
  }

  /**
   * A worker has sent a message, which may have nothing to do with fleets
   */
  received (worker: Worker, message: unknown): void {
    const call = readCall(message)

    if (call !== undefined && !this.#ended.has(worker)) {
      this.#workers.add(worker)
      this.#send(worker, this.#answer(call, worker))
    }
  }

  /**
   * The process of a worker has ended, so it holds nothing
   */
  ended (worker: Worker): void {
    this.#ended.add(worker)
    this.#workers.delete(worker)
    this.engine.lose(worker)
  }

  #answer ({ argument, call, key, script, version }: ClusterCall, worker: Worker): ClusterAnswer {
    try {
      return answerOf(call, { answer: this.run(script, version, key, argument, worker) })
    } catch (err: any) {
      return answerOf(call, { error: String(err.message) })
    }
  }

  /**
   * @throws {Error} if the script cannot do anything with its argument
   */
  run (script: ScriptName, version: string, key: string, argument: string, owner?: unknown): string {
    if (version !== LAYOUT_VERSION) {
      return JSON.stringify({ status: 'version', found: LAYOUT_VERSION })
    }

    if (!isArgument(script, argument)) {
      throw new Error(`the primary cannot read what ${script} was called with`)
    }

    return this.engine.run(script, key, [argument], owner)
  }
}
