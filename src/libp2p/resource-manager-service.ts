import { serviceCapabilities } from '@libp2p/interface'
import { Key } from 'interface-datastore/key'
import { DefaultResourceManager } from '../manager/resource-manager.ts'
import { invalid } from '../util/validation.ts'
import { resolveBaseCosts } from './connections/base-costs.ts'
import { withoutOwnLimits } from './custom-manager.ts'
import { nodeDemand } from './node-demand.ts'
import { askForProtocols } from './streams/service-protocols.ts'
import { serviceTable } from './streams/service-table.ts'
import { Wiring } from './wiring.ts'
import type { ResourceManagerComponents } from './node-host.ts'
import type { ResourceManagerInit } from '../manager/resource-manager-init.ts'
import type { Upgrader } from '@libp2p/interface'

/**
 * Where the histories of sessions are in the datastore of the node
 */
const SESSIONS_KEY = '/libp2p-resource-manager/sessions'

const MANAGED = Symbol.for('libp2p-resource-manager/managed')

/**
 * Nodes that have a resource manager, from any copy of this package: a second one would count
 * everything twice
 */
const managed: WeakSet<Upgrader> = (globalThis as { [MANAGED]?: WeakSet<Upgrader> })[MANAGED] ??= new WeakSet()

/**
 * The resource manager as a service of a node. A node makes its services after everything else,
 * and each part of libp2p looks up the others only when it needs them, so they can be wrapped
 * here.
 */
export class ResourceManagerService extends DefaultResourceManager {
  readonly #wiring: Wiring

  constructor (components: ResourceManagerComponents, options: ResourceManagerInit = {}) {
    const init = options.manager === undefined ? options : withoutOwnLimits(options)
    const services = serviceTable(init.services, () => askForProtocols(components))
    const baseCosts = resolveBaseCosts(init.baseCosts)
    const handlers = new Map<string, number>()

    if (managed.has(components.upgrader)) {
      throw invalid('services', 'one resource manager', 'a second one')
    }

    super({ ...init, logger: components.logger }, {
      demand: () => ({ ...nodeDemand(components.connectionManager), handlers }),
      persistence: {
        datastore: components.datastore,
        // nodes may share a datastore
        key: new Key(`${SESSIONS_KEY}/${components.peerId}`),
        formerKey: new Key(SESSIONS_KEY)
      }
    })

    const { handlerGrace, manager: custom, transientShare } = init

    this.#wiring = new Wiring(this.host, components, { baseCosts, custom, handlers, handlerGrace, services, transientShare })
    managed.add(components.upgrader)
  }

  readonly [serviceCapabilities]: string[] = [
    'libp2p-resource-manager'
  ]

  async start (): Promise<void> {
    await super.start()
    this.#wiring.started()
  }

  afterStart (): void {}
}
