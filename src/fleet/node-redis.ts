import { invalid } from '../util/validation.ts'
import { Subscriptions } from './subscriptions.ts'
import type { FleetClient } from './client.ts'

/**
 * What a fleet uses of a client of `redis` (node-redis), of a single server, a sentinel or a cluster
 */
export interface NodeRedisLike {
  /** Whether it was connected and is not closed */
  readonly isOpen: boolean

  /** Runs a script in Lua */
  eval(script: string, options: { keys: string[], arguments: string[] }): Promise<unknown>

  /** Makes another client of the same server, for messages */
  duplicate(): NodeRedisSubscriber
}

/**
 * The client of `redis` that receives messages
 */
export interface NodeRedisSubscriber {
  /** Whether it was connected and is not closed */
  readonly isOpen: boolean

  /** Calls a function with errors */
  on(event: 'error', listener: (err: Error) => void): unknown

  /** Connects to the server */
  connect(): Promise<unknown>

  /** Calls a function with the messages of a channel */
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>

  /** Closes the connection */
  destroy(): void
}

/**
 * A client of the package `redis`, version 5
 *
 * @param client - a connected one, which stays yours: TLS and authentication are among its
 * options. One more connection is opened, for messages.
 * @throws {InvalidParametersError} if it is no client of `redis`
 */
export function nodeRedis (client: NodeRedisLike): FleetClient {
  if (typeof client?.eval !== 'function' || typeof client.duplicate !== 'function' || typeof client.isOpen !== 'boolean') {
    throw invalid('client', 'a client of redis, such as await createClient().connect()', client)
  }

  const subscriptions = new Subscriptions((channel, listener) => {
    const subscriber = client.duplicate()
    const connect = async (): Promise<void> => {
      await subscriber.connect()
      await subscriber.subscribe(channel, listener)
    }

    // it connects again by itself, and an error that nobody listens to ends the process
    subscriber.on('error', () => {})

    return { ready: connect(), close: () => { subscriber.isOpen && subscriber.destroy() } }
  })

  return {
    problem: () => client.isOpen ? undefined : 'the client is not connected: await client.connect() first',
    run: async ({ source }, key, args) => client.eval(source, { keys: [key], arguments: args }),
    subscribe: async (channel, listener) => subscriptions.subscribe(channel, listener),
    unsubscribe: async (channel, listener) => { subscriptions.unsubscribe(channel, listener) }
  }
}
