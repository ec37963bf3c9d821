import { generateKeyPair } from '@libp2p/crypto/keys'
import { stop } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createLibp2p } from 'libp2p'
import type { Managers } from '../lib/managers.ts'
import type { Libp2p, PeerId, PrivateKey, Upgrader } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import type { ResourceManagerInit } from 'libp2p-resource-manager'

/**
 * A node for a suite that has connections of its own, and that tests a part of the node
 * only
 */
export interface SuiteNode {
  upgrader: Upgrader
  /** The node that all connections come from and go to */
  remotePeer: PeerId
}

/**
 * The nodes of such a suite
 */
export class SuiteNodes {
  readonly #managers: Managers
  readonly #init?: ResourceManagerInit
  readonly #nodes: Libp2p[] = []

  /**
   * @param managers
   * @param init - of the managers
   */
  constructor (managers: Managers, init?: ResourceManagerInit) {
    this.#managers = managers
    this.#init = init
  }

  async create (stack: Pick<Libp2pOptions, 'connectionEncrypters' | 'streamMuxers'>, privateKey?: PrivateKey): Promise<SuiteNode> {
    const node = await createLibp2p({
      privateKey,
      transports: [memory()],
      ...stack,
      // it would open streams of its own that the suite takes for its own
      connectionMonitor: { enabled: false },
      services: this.#managers.services(this.#init)
    })
    const { components } = node as unknown as { components: { upgrader: Upgrader } }

    this.#nodes.push(node)

    return { upgrader: components.upgrader, remotePeer: peerIdFromPrivateKey(await generateKeyPair('Ed25519')) }
  }

  async stop (): Promise<void> {
    await stop(...this.#nodes.splice(0))
  }
}
