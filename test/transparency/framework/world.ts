import { CapturedLogger } from '../../libp2p/fixtures/captured-logger.ts'
import { TestNodes } from '../../libp2p/fixtures/nodes.ts'
import { Link } from './link.ts'
import { PATIENT } from './patience.ts'
import type { LinkConditions } from './link.ts'
import type { RefusalCount, ResourceManagerInit } from '../../../src/index.ts'
import type { NodeOptions, TestNode } from '../../libp2p/fixtures/nodes.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What resource managers say about settings: what a handler or a connection manager allows and
 * they do not. Whether that matters is what refusals tell.
 */
const ABOUT_SETTINGS = /maxInboundStreams|maxConnections/

interface Managed {
  node: TestNode
  logger: CapturedLogger
}

/**
 * The nodes of one program and the links between them. All nodes have the same resource
 * manager with everything that is there by default, or none.
 */
export class World extends TestNodes {
  readonly #manager: ResourceManagerInit | false
  readonly #managed: Managed[] = []
  readonly #links: Link[] = []

  constructor (manager: ResourceManagerInit | false) {
    // those about settings: these are none that anybody would have chosen for these machines
    super({ warnings: false })
    this.#manager = manager
  }

  override async create (options: NodeOptions = {}): Promise<TestNode> {
    const logger = new CapturedLogger()
    const node = await super.create({
      logger,
      ...options,
      connectionManager: { ...PATIENT, ...options.connectionManager },
      manager: this.#manager
    })

    if (this.#manager !== false) {
      this.#managed.push({ node, logger })
    }

    return node
  }

  /**
   * Puts a link in front of an address over TCP
   *
   * @returns The address of its near end
   */
  async link (address: Multiaddr, conditions: LinkConditions): Promise<Multiaddr> {
    const link = await Link.to(address, conditions)

    this.#links.push(link)

    return link.address
  }

  /**
   * All that resource managers have refused or ended
   */
  refusals (): RefusalCount[] {
    return this.#managed.flatMap(({ node }) => node.services.resourceManager.refusals())
  }

  /**
   * What resource managers have logged as errors, but for what is about their settings
   */
  errors (): string[] {
    return this.#managed.flatMap(({ logger }) => logger.errors).filter(line => !ABOUT_SETTINGS.test(line))
  }

  /**
   * Stops all nodes, which leaves nothing, and all links
   */
  override async stop (): Promise<void> {
    try {
      await super.stop()
    } finally {
      await Promise.all(this.#links.splice(0).map(async link => link.close()))
    }
  }
}
