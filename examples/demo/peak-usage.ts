import type { ResourceManager, ResourceScope } from '../../src/index.ts'

/**
 * Watches whether any scope ever holds more than its limit
 */
export class PeakUsage {
  readonly #manager: ResourceManager
  readonly exceeded = new Set<string>()
  inboundConnections = 0
  inboundStreams = 0

  constructor (manager: ResourceManager) {
    this.#manager = manager
  }

  look (): void {
    const manager = this.#manager

    manager.viewSystem(scope => {
      this.#check(scope)
      this.inboundConnections = Math.max(this.inboundConnections, scope.stat().numConnsInbound)
      this.inboundStreams = Math.max(this.inboundStreams, scope.stat().numStreamsInbound)
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
      stat.memory > limit.memory ||
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
