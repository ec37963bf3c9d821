import type { ScriptName } from './protocol.ts'

/**
 * A script, which the engine runs from its beginning to its end with nothing in between
 */
export interface FleetScript {
  /** Which script it is: a client of your own may implement each by its name */
  readonly name: ScriptName

  /** In Lua, for Redis and Valkey. `KEYS[1]` is what all keys begin with. */
  readonly source: string
}

/**
 * What a fleet needs of the engine in which its nodes meet: `nodeRedis`, `ioredis` and
 * `nodeCluster` make one, and you can make one of any other client.
 */
export interface FleetClient {
  /**
   * Why it cannot be used, if that is a mistake of the program: it was never connected, or was
   * closed. An engine that does not answer is no such mistake.
   */
  problem?(): string | undefined

  /**
   * Runs a script
   *
   * @param script
   * @param key - what all keys begin with
   * @param args
   * @returns The text that it answers
   */
  run(script: FleetScript, key: string, args: string[]): Promise<unknown>

  /**
   * Calls a function with every message on a channel, until `unsubscribe` is called
   */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>

  /**
   * Ends what `subscribe` has begun, and closes what it has opened if nobody else listens. The
   * client itself stays as it is.
   *
   * @param channel
   * @param listener - the one that was given to `subscribe`: several nodes of a fleet may have
   * one client
   */
  unsubscribe(channel: string, listener?: (message: string) => void): Promise<void>
}
