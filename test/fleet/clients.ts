import { ioredis, nodeRedis } from '../../src/fleet.ts'
import type { FleetClient, IORedisLike, NodeRedisLike } from '../../src/fleet.ts'

/**
 * The packages have no part in the types of this one, and are loaded by name here: whoever
 * has another version of them can run these tests too
 */
const REDIS: string = 'redis'
const IOREDIS: string = 'ioredis'

/**
 * A real client of a real engine
 */
export interface TestClient {
  name: string
  client: FleetClient

  /** From now on nobody has to wait for old leases. An engine without this never has any. */
  leftInOrder?(key: string): Promise<unknown>
  close(): Promise<void>
}

/**
 * A real client of a real package
 */
export interface RedisTestClient extends TestClient {
  flushAll(): Promise<unknown>
  keys(): Promise<string[]>
  expiry(key: string): Promise<number>
  command(...args: string[]): Promise<unknown>
  set(key: string, field: string, value: string): Promise<unknown>
}

/**
 * @param url - of the server
 */
export async function connectNodeRedis (url: string): Promise<RedisTestClient> {
  const { createClient } = await import(REDIS)
  const client: NodeRedisLike & Record<string, any> = createClient({ url })

  client.on('error', () => {})
  await client.connect()

  return {
    name: 'redis',
    client: nodeRedis(client),
    leftInOrder: async key => client.hSet(`${key}:fleet`, 'clean', '1'),
    flushAll: async () => client.flushAll(),
    keys: async () => client.keys('*'),
    expiry: async key => client.pTTL(key),
    command: async (...args) => client.sendCommand(args),
    set: async (key, field, value) => client.hSet(key, field, value),
    close: async () => { client.destroy() }
  }
}

export async function connectIORedis (url: string): Promise<RedisTestClient> {
  const { Redis } = await import(IOREDIS)
  const client: IORedisLike & Record<string, any> = new Redis(url)

  client.on('error', () => {})
  await client.ping()

  return {
    name: 'ioredis',
    client: ioredis(client),
    leftInOrder: async key => client.hset(`${key}:fleet`, 'clean', '1'),
    flushAll: async () => client.flushall(),
    keys: async () => client.keys('*'),
    expiry: async key => client.pttl(key),
    command: async (command, ...args) => client.call(command, ...args),
    set: async (key, field, value) => client.hset(key, field, value),
    close: async () => { client.disconnect() }
  }
}

export const CONNECT_REDIS = [connectNodeRedis, connectIORedis]
