import { invalid } from '../util/validation.ts'
import type { FleetClient } from './client.ts'

/**
 * What a fleet uses of a client of `ioredis`, of a single server, a sentinel or a cluster
 */
export interface IORedisLike {
  readonly status: string
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>
  duplicate(): IORedisSubscriber
}

export interface IORedisSubscriber {
  on(event: 'error', listener: (err: Error) => void): unknown
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  subscribe(channel: string): Promise<unknown>
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

  const subscribers = new Map<string, IORedisSubscriber>()

  return {
    problem: () => client.status === 'end' || client.status === 'close' ? 'the client is closed' : undefined,
    run: async ({ source }, key, args) => client.eval(source, 1, key, ...args),
    async subscribe (channel, listener) {
      const subscriber = client.duplicate()

      subscribers.set(channel, subscriber)
      // it connects again by itself
      subscriber.on('error', () => {})
      subscriber.on('message', (from, message) => {
        from === channel && listener(message)
      })
      await subscriber.subscribe(channel)
    },
    async unsubscribe (channel) {
      subscribers.get(channel)?.disconnect()
      subscribers.delete(channel)
    }
  }
}
