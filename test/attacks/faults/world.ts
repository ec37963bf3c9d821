import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { eventuallyEqual } from '../../libp2p/fixtures/eventually.ts'
import { componentsOf, held, memoryAddress } from '../../libp2p/fixtures/nodes.ts'
import { Moments } from './moments.ts'
import { observedEcho, observedEncrypter, observedGater, observedMiddleware, observedMuxer, observedTransport, observeEvents, observeUpgrader } from './observed.ts'
import type { Observer } from './observed.ts'
import type { Scenario } from './scenarios.ts'
import type { Holder, TransientHolder } from '../../../src/index.ts'
import type { Held, TestNode, TestNodes } from '../../libp2p/fixtures/nodes.ts'
import type { ComponentLogger, Connection, ConnectionEncrypter, Libp2pEvents, MultiaddrConnection, StreamMuxerFactory } from '@libp2p/interface'

export const ECHO = '/faults/echo/1.0.0'

const SERVICE = 'faults.echo'
const COLLECTORS = ['faultsEcho', 'connections']

export type Side = 'dialer' | 'listener'
export const SIDES: Side[] = ['dialer', 'listener']

/**
 * How nodes encrypt and multiplex
 */
export interface Stack {
  encrypter(components: any): ConnectionEncrypter
  muxer(components: any): StreamMuxerFactory
}

/**
 * What the user's code on a node does from some moment on
 */
export interface Mood {
  gater?: 'denies' | 'throws'
  handler?: 'throws'
  middleware?: 'throws'
}

/**
 * Two nodes, of which every moment is known
 */
export class World {
  readonly #identifies: boolean
  readonly nodes = {} as Record<Side, TestNode>
  moods: Record<Side, Mood> = { dialer: {}, listener: {} }
  moments = new Moments()

  /** What whoever runs the scenario can abort */
  user = new AbortController()

  /** The ends of the last raw connection */
  raw: Partial<Record<Side, MultiaddrConnection>> = {}

  /** What faults have begun */
  readonly #faults: Array<Promise<unknown>> = []

  private constructor (identifies: boolean) {
    this.#identifies = identifies
  }

  static async create (nodes: TestNodes, stack: Stack, { identify: identifies = false }: Scenario, logger: ComponentLogger): Promise<World> {
    const world = new World(identifies)

    for (const side of SIDES) {
      world.nodes[side] = await world.#createNode(nodes, side, stack, logger)
    }

    return world
  }

  async #createNode (nodes: TestNodes, side: Side, { encrypter, muxer }: Stack, logger: ComponentLogger): Promise<TestNode> {
    const observer: Observer = {
      reached: (what) => { this.moments.reached(`${side}: ${what}`) },
      pass: async (what) => {
        if (this.moments.reached(`${side}: ${what}`)) {
          // all that the fault causes comes before this goes on
          await macrotask()
        }
      }
    }
    const node = await nodes.create({
      logger,
      addresses: { listen: side === 'listener' ? [memoryAddress()] : [] },
      transports: [observedTransport(memory(), observer)],
      connectionEncrypters: [observedEncrypter(encrypter, observer)],
      streamMuxers: [observedMuxer(muxer, observer)],
      connectionGater: observedGater(observer, () => this.moods[side].gater),
      connectionManager: { inboundConnectionThreshold: Infinity, reconnectRetries: 0 },
      manager: {
        baseCosts: undefined,
        // one at a time: a stream that is forgotten here keeps the next one out
        transientShare: 1e-6,
        services: { [SERVICE]: [ECHO] },
        sessions: { collectors: { [SERVICE]: {}, connections: {} } }
      },
      services: this.#identifies ? { identify: identify() } : {}
    })

    observeUpgrader(componentsOf(node).upgrader, observer, maConn => { this.raw[side] = maConn })
    observeEvents(componentsOf(node).events, observer)
    node.use(ECHO, observedMiddleware(observer, () => this.moods[side].middleware === 'throws'))
    await node.handle(ECHO, observedEcho(observer, () => this.moods[side].handler === 'throws'), { maxInboundStreams: 1_000 })

    return node
  }

  /**
   * The connection as a side has it, if it has one
   */
  connection (side: Side): Connection | undefined {
    return this.nodes[side].getConnections()[0]
  }

  async dial (): Promise<Connection> {
    return this.nodes.dialer.dial(this.nodes.listener.getMultiaddrs(), { signal: this.user.signal })
  }

  /**
   * Dials, and waits until both ends know of the connection, and of each other where
   * they want to
   */
  async connect (): Promise<Connection> {
    const [connection] = await Promise.all([
      this.dial(),
      this.#told('listener', 'connection:open'),
      this.#identifies ? this.identified() : undefined
    ])

    return connection
  }

  /**
   * Waits until both sides have identified the other, or the connection is lost
   */
  async identified (): Promise<void> {
    await Promise.all(SIDES.map(async side => Promise.race([
      this.#told(side, 'peer:identify'),
      this.#told(side, 'connection:close'),
      rejectedBy(this.user.signal)
    ])))
  }

  async #told (side: Side, event: keyof Libp2pEvents): Promise<void> {
    await new Promise<void>(resolve => {
      this.nodes[side].addEventListener(event, () => { resolve() }, { once: true })
    })
  }

  /**
   * Begins anew, with a fault at some moment
   */
  begin (moments: Moments): void {
    this.moments = moments
    this.user = new AbortController()
    this.raw = {}
  }

  cause (fault: () => Promise<unknown>): void {
    // whether it succeeds does not matter
    this.#faults.push(fault().catch(() => {}))
  }

  /**
   * Waits for what the fault has begun, and takes back what it has changed
   */
  async end (): Promise<void> {
    this.moments = new Moments()
    this.moods = { dialer: {}, listener: {} }
    await Promise.all(this.#faults.splice(0))
    SIDES.forEach(side => { this.nodes[side].services.resourceManager.setLimits({}) })
  }

  async restart (): Promise<void> {
    await Promise.all(SIDES.map(async side => this.nodes[side].start()))
  }

  /**
   * Waits until neither side has a stream, on connections that may go on
   */
  async expectNoStreams (): Promise<void> {
    await eventuallyEqual(() => SIDES.map(side => {
      const { system: { numStreamsInbound, numStreamsOutbound } } = this.nodes[side].services.resourceManager.stat()

      return numStreamsInbound + numStreamsOutbound
    }), [0, 0], 'the streams of the dialer and the listener')
  }

  /**
   * Waits until neither side holds anything
   *
   * @param alone - Whether nobody has to close what is still open
   */
  async expectNothing (alone: boolean): Promise<void> {
    await eventuallyEqual(() => {
      if (!alone) {
        SIDES.forEach(side => { this.connection(side)?.abort(new Error('the end')) })
      }

      return SIDES.map(side => everythingOf(this.nodes[side]))
    }, [NOTHING, NOTHING], 'what the dialer and the listener hold')
  }
}

interface Everything {
  held: Held
  holders: Holder[]
  transient: TransientHolder[]
  handlers: number
  sessions: number
  scopes: unknown[]
}

const NOTHING: Everything = { held: {}, holders: [], transient: [], handlers: 0, sessions: 0, scopes: [] }

/**
 * All that can be seen of what a node holds
 */
function everythingOf (node: TestNode): Everything {
  const { resourceManager } = node.services
  const { transientHolders = [], handlers } = resourceManager.stat()

  resourceManager.gc()

  return {
    held: held(node),
    holders: resourceManager.holders(),
    transient: transientHolders,
    handlers: handlers?.running ?? 0,
    sessions: COLLECTORS.reduce((sum, id) => sum + resourceManager.sessions.active(id).length, 0),
    scopes: [...resourceManager.listPeers(), ...resourceManager.listProtocols()]
  }
}

async function rejectedBy (signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => { reject(signal.reason) })
  })
}

export async function macrotask (): Promise<void> {
  await new Promise<void>(resolve => { setTimeout(resolve) })
}
