import type { ResourceManager, ResourceScope } from '../../src/index.ts'

/**
 * Watches whether any scope ever holds more than its limit. Buffers may be above the limit of
 * a peer or protocol while there is memory, so memory is that of the system.
 */
export class PeakUsage {
  readonly #manager: ResourceManager
  readonly exceeded = new Set<string>()

  constructor (manager: ResourceManager) {
    this.#manager = manager
  }

  look (): void {
    const manager = this.#manager

    manager.viewSystem(scope => {
      this.#check(scope)

      if (scope.stat().memory > scope.limit.memory) {
        this.exceeded.add(`${scope.name} (memory)`)
      }
    })
    manager.viewTransient(scope => { this.#check(scope) })

    for (const peer of manager.listPeers()) {
      manager.viewPeer(peer, scope => { this.#check(scope) })
    }

    for (const service of manager.listServices()) {
      manager.viewService(service, scope => { this.#check(scope) })
    }

    for (const protocol of manager.listProtocols()) {
      manager.viewProtocol(protocol, scope => { this.#check(scope) })
    }
  }

  #check (scope: ResourceScope): void {
    const { limit, name } = scope
    const stat = scope.stat()

    if (
      stat.numStreamsInbound > limit.streamsInbound ||
      stat.numStreamsOutbound > limit.streamsOutbound ||
      stat.numStreamsInbound + stat.numStreamsOutbound > limit.streams ||
      stat.numConnsInbound > limit.connsInbound ||
      stat.numConnsOutbound > limit.connsOutbound ||
      stat.numConnsInbound + stat.numConnsOutbound > limit.conns ||
      stat.numFD > limit.fd
    ) {
      this.exceeded.add(name)
    }
  }
}
