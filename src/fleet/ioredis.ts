import { invalid } from '../util/validation.ts'
import { Subscriptions } from './subscriptions.ts'
import type { FleetClient } from './client.ts'

/**
 * What a fleet uses of a client of `ioredis`, of a single server, a sentinel or a cluster
 */
export interface IORedisLike {
  /** `ready` once it is connected */
  readonly status: string

  /** Runs a script in Lua */
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>

  /** Makes another client of the same server, for messages */
  duplicate(): IORedisSubscriber
}

/**
 * The client of `ioredis` that receives messages
 */
export interface IORedisSubscriber {
  /** Calls a function with errors, or with messages */
  on(event: 'error', listener: (err: Error) => void): unknown
  on(event: 'message', listener: (channel: string, message: string) => void): unknown

  /** Begins to receive the messages of a channel */
  subscribe(channel: string): Promise<unknown>

  /** Closes the connection */
  disconnect(): void
}

/**
 * A client of the package `ioredis`, version 5
 *
 * @param client - it stays yours: TLS and authentication are among its options. One more
 * connection is opened, for messages.
 * @throws {InvalidParametersError} if it is no client of `ioredis`
 */
export function ioredis (client: IORedisLike): FleetClient {
  if (typeof client?.eval !== 'function' || typeof client.duplicate !== 'function' || typeof client.status !== 'string') {
    throw invalid('client', 'a client of ioredis, such as new Redis()', client)
  }

  const subscriptions = new Subscriptions((channel, listener) => {
    const subscriber = client.duplicate()

    // it connects again by itself
    subscriber.on('error', () => {})
    subscriber.on('message', (from, message) => {
      from === channel && listener(message)
    })

    return { ready: subscriber.subscribe(channel), close: () => { subscriber.disconnect() } }
  })

  return {
    problem: () => client.status === 'end' || client.status === 'close' ? 'the client is closed' : undefined,
    run: async ({ source }, key, args) => client.eval(source, 1, key, ...args),
    subscribe: async (channel, listener) => subscriptions.subscribe(channel, listener),
    unsubscribe: async (channel, listener) => { subscriptions.unsubscribe(channel, listener) }
  }
}
