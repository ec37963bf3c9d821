import { expect } from 'aegir/chai'
import delay from 'delay'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { fleet } from '../../src/fleet.ts'
import { createResourceManager } from '../../src/index.ts'
import type { Fleet, FleetClient, FleetInit } from '../../src/fleet.ts'
import type { ResourceManager, ResourceManagerInit } from '../../src/index.ts'

/**
 * An engine in this process that can be made to fail
 */
export class TestEngine {
  engine: MemoryEngine
  #listeners = new Map<string, Set<(message: string) => void>>()

  /** Set while the engine does not answer */
  failure?: Error

  /** Whether messages are lost */
  deaf = false

  constructor (now?: () => number) {
    this.engine = this.#make(now)
  }

  /**
   * A new one takes its place. Who has a client of the one before stays with that.
   */
  restart (now?: () => number): void {
    this.failure = undefined
    this.deaf = false
    this.#listeners = new Map()
    this.engine = this.#make(now)
  }

  #make (now: () => number = Date.now): MemoryEngine {
    const listeners = this.#listeners
    let ahead = 0

    const engine = new MemoryEngine((channel, message) => {
      for (const listener of this.deaf ? [] : listeners.get(channel) ?? []) {
        queueMicrotask(() => { listener(message) })
      }
    }, () => now() + ahead)

    startQuietly(engine, '{libp2p-rm:test}', 1_000, duration => { ahead += duration })

    return engine
  }

  get listeners (): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0)
  }

  client (): FleetClient {
    const { engine } = this
    const listeners = this.#listeners
    let own: ((message: string) => void) | undefined

    return {
      run: async ({ name }, key, args) => {
        if (this.failure !== undefined) {
          throw this.failure
        }

        return engine.run(name, key, args)
      },
      subscribe: async (channel, listener) => {
        own = listener
        listeners.set(channel, (listeners.get(channel) ?? new Set()).add(listener))
      },
      unsubscribe: async channel => {
        own !== undefined && listeners.get(channel)?.delete(own)
      }
    }
  }
}

/**
 * All nodes have left in order: nobody can have an old lease, and so nobody has to wait
 */
export function startQuietly (engine: MemoryEngine, key: string, ttl: number, wait: (duration: number) => void): void {
  for (const seq of [1, 2]) {
    engine.run('sync', key, [JSON.stringify({ id: 'before', seq, ttl, policy: 0, sum: '', gone: [], scopes: [] })])
    wait(ttl / 2)
  }

  engine.run('leave', key, ['before'])
}

export interface Member {
  fleet: Fleet
  manager: ResourceManager
}

/**
 * Stand-alone managers that are a fleet
 */
export class Members {
  readonly all: Member[] = []

  async add (client: FleetClient, init: Partial<FleetInit> = {}, managerInit: ResourceManagerInit = {}): Promise<Member> {
    const link = fleet({ client, name: 'test', ttl: 1_000, ...init })
    const manager = createResourceManager({ fleet: link, rateLimits: false, warnings: false, ...managerInit })
    const member = { fleet: link, manager }

    await manager.start()
    this.all.push(member)

    return member
  }

  async stop (): Promise<void> {
    await Promise.all(this.all.splice(0).map(async ({ manager }) => manager.stop()))
  }
}

/**
 * What the tests of a suite need: an engine, which is a new one for each of them, and managers,
 * which are stopped after each
 *
 * @param nodes - are stopped before them
 */
export function useFleet (nodes?: Pick<Members, 'stop'>): { engine: TestEngine, members: Members } {
  const engine = new TestEngine()
  const members = new Members()

  beforeEach(() => {
    engine.restart()
  })

  afterEach(async () => {
    await nodes?.stop()
    await members.stop()
  })

  return { engine, members }
}

/**
 * Opens connections until there is no room
 *
 * @returns How many there were room for
 */
export function fill (manager: ResourceManager, max: number, address?: string): Array<ReturnType<ResourceManager['openConnection']>> {
  const opened = []

  for (let i = 0; i < max; i++) {
    try {
      opened.push(manager.openConnection('inbound', false, address))
    } catch {
      break
    }
  }

  return opened
}

/** How long to wait for what must come to be, and from one read to the next, in ms */
const PATIENCE = 40_000
const READ_INTERVAL = 100

/**
 * Reads again and again, one after the other, until it is what must come to be
 *
 * @returns What was read last
 */
export async function readUntil <T> (read: () => Promise<T>, is: (answer: T) => boolean, what: string): Promise<T> {
  const deadline = Date.now() + PATIENCE

  for (;;) {
    const answer = await read()

    if (is(answer)) {
      return answer
    }

    if (Date.now() > deadline) {
      expect.fail(`waited in vain for ${what}`)
    }

    await delay(READ_INTERVAL)
  }
}
