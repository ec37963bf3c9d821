import { setBackgroundTimer } from '../util/timers.ts'
import { invalid } from '../util/validation.ts'
import { ClusterEngine } from './cluster-engine.ts'
import { callOf, readReply } from './cluster-messages.ts'
import { LAYOUT_VERSION } from './protocol.ts'
import { Subscriptions } from './subscriptions.ts'
import type { FleetClient } from './client.ts'
import type { ScriptName } from './protocol.ts'

/**
 * How long to wait for an answer, in ms. The `timeout` of a fleet is shorter, unless it or its
 * `ttl` is long.
 */
const MAX_WAIT = 10_000

type Listener = (message: string) => void

/**
 * What a fleet uses of `node:cluster`
 */
export interface NodeClusterLike {
  /** Whether this process is the primary */
  readonly isPrimary: boolean

  /** This process, if it is a worker */
  readonly worker?: NodeClusterWorker

  /** In the primary: calls a function with the messages of workers, or when one has ended */
  on(event: 'message', listener: (worker: NodeClusterWorker, message: unknown) => void): unknown
  on(event: 'exit', listener: (worker: NodeClusterWorker) => void): unknown
}

/**
 * A worker, as `node:cluster` has it
 */
export interface NodeClusterWorker {
  /** Whether messages can reach it */
  isConnected(): boolean

  /** Calls a function with its messages, or in the worker with those of the primary */
  on(event: 'message', listener: (message: unknown) => void): unknown

  /** Sends a message */
  send(message: any, callback?: (err: Error | null) => void): unknown
}

/**
 * The one end of a cluster that is in this process
 */
interface Hub {
  readonly listeners: Map<string, Set<Listener>>
  problem(): string | undefined
  run(script: ScriptName, key: string, argument: string): Promise<string>
}

const hubs = new WeakMap<NodeClusterLike, Hub>()

/**
 * The workers of `node:cluster`, which need no server: their primary keeps what a fleet knows
 * for as long as it runs.
 *
 * Call it in the primary, before it forks, and in each worker. The messages of your program are
 * left alone.
 *
 * @param cluster - the default export of `node:cluster`
 * @throws {InvalidParametersError} if it is something else
 */
export function nodeCluster (cluster: NodeClusterLike): FleetClient {
  if (typeof cluster?.on !== 'function' || typeof cluster.isPrimary !== 'boolean' || (!cluster.isPrimary && cluster.worker === undefined)) {
    throw invalid('cluster', 'the default export of node:cluster', cluster)
  }

  const hub = hubOf(cluster)
  const subscriptions = new Subscriptions((channel, listener) => {
    hub.listeners.set(channel, (hub.listeners.get(channel) ?? new Set()).add(listener))

    return { ready: Promise.resolve(), close: () => { hub.listeners.get(channel)?.delete(listener) } }
  })

  return {
    problem: () => hub.problem(),
    run: async ({ name }, key, [argument]) => hub.run(name, key, argument),
    subscribe: async (channel, listener) => subscriptions.subscribe(channel, listener),
    unsubscribe: async (channel, listener) => { subscriptions.unsubscribe(channel, listener) }
  }
}

function hubOf (cluster: NodeClusterLike): Hub {
  const known = hubs.get(cluster)

  if (known !== undefined) {
    return known
  }

  const hub = cluster.worker === undefined ? primaryHub(cluster) : new WorkerHub(cluster.worker)

  hubs.set(cluster, hub)

  return hub
}

/**
 * The primary keeps everything, and may be a node itself
 */
function primaryHub (cluster: NodeClusterLike): Hub {
  const listeners: Hub['listeners'] = new Map()
  const engine = new ClusterEngine<NodeClusterWorker>((worker, message) => {
    // one that ends meanwhile needs no answer
    worker.isConnected() && worker.send(message, () => {})
  }, (channel, message) => {
    // whoever has published goes on first, as with a server
    queueMicrotask(() => { listeners.get(channel)?.forEach(listener => { listener(message) }) })
  })

  cluster.on('message', (worker, message) => { engine.received(worker, message) })
  cluster.on('exit', worker => { engine.ended(worker) })

  return {
    listeners,
    problem: () => undefined,
    run: async (script, key, argument) => engine.run(script, LAYOUT_VERSION, key, argument)
  }
}

interface PendingCall {
  resolve(answer: string): void
  reject(err: Error): void
  timer: ReturnType<typeof setTimeout>
}

/**
 * A worker asks its primary
 */
class WorkerHub implements Hub {
  readonly listeners: Hub['listeners'] = new Map()
  readonly #worker: NodeClusterWorker
  readonly #pending = new Map<number, PendingCall>()
  #calls = 0

  constructor (worker: NodeClusterWorker) {
    this.#worker = worker
    worker.on('message', message => { this.#received(message) })
  }

  problem (): string | undefined {
    return this.#worker.isConnected() ? undefined : 'the worker is disconnected from its primary'
  }

  async run (script: ScriptName, key: string, argument: string): Promise<string> {
    const call = ++this.#calls

    return new Promise((resolve, reject) => {
      const timer = setBackgroundTimer(() => { this.#fail(call, 'the primary does not answer: it has to call nodeCluster(cluster) as well') }, MAX_WAIT)

      this.#pending.set(call, { resolve, reject, timer })

      if (this.#worker.isConnected()) {
        this.#worker.send(callOf(call, script, key, argument), err => { err !== null && this.#fail(call, err.message) })
      } else {
        this.#fail(call, String(this.problem()))
      }
    })
  }

  #received (message: unknown): void {
    const reply = readReply(message)

    if (reply === undefined) {
      return
    }

    if ('channel' in reply) {
      this.listeners.get(reply.channel)?.forEach(listener => { listener(reply.message) })
    } else if (reply.answer === undefined) {
      this.#fail(reply.call, String(reply.error))
    } else {
      this.#remove(reply.call)?.resolve(reply.answer)
    }
  }

  #fail (call: number, reason: string): void {
    this.#remove(call)?.reject(new Error(reason))
  }

  #remove (call: number): PendingCall | undefined {
    const pending = this.#pending.get(call)

    this.#pending.delete(call)
    clearTimeout(pending?.timer)

    return pending
  }
}
