import { withBitswap } from '@helia/bitswap'
import { libp2pDefaults, withLibp2pLight } from '@helia/libp2p'
import * as dagCbor from '@ipld/dag-cbor'
import { createHeliaLight } from 'helia'
import type { Managers } from './managers.ts'
import type { HeliaWithLibp2p } from '@helia/libp2p'
import type { ServiceMap } from '@libp2p/interface'
import type { HeliaInit } from 'helia'
import type { ServiceFactoryMap } from 'libp2p'

/**
 * What is not sent or received by then bitswap gives up, and never sends again, in ms. A
 * machine that is busy with something else takes longer than by default.
 */
const MESSAGE_TIMEOUT = 60_000

/**
 * Helia with bitswap and the libp2p node that it comes with, except that it listens
 * on this machine only and looks for nobody on the internet
 */
export async function createHeliaNode <S extends ServiceMap = ServiceMap> (managers: Managers, init: HeliaInit, services: ServiceFactoryMap<S> = {} as any, listen = ['/ip4/127.0.0.1/tcp/0']): Promise<HeliaWithLibp2p<S>> {
  const { transports, connectionEncrypters, streamMuxers, services: defaults } = libp2pDefaults()
  const { autoNAT, dht, identify, identifyPush, keychain, ping, relay }: ServiceFactoryMap<any> = defaults ?? {}
  const helia = withBitswap(withLibp2pLight(createHeliaLight({ codecs: [dagCbor], ...init }), {
    addresses: { listen },
    transports,
    connectionEncrypters,
    streamMuxers,
    // on a machine that is busy with something else a ping takes its time
    connectionMonitor: { abortConnectionOnPingFailure: false },
    services: { autoNAT, dht, identify, identifyPush, keychain, ping, relay, ...services as object, ...managers.services() }
  }), {
    messageReceiveTimeout: MESSAGE_TIMEOUT,
    messageSendTimeout: MESSAGE_TIMEOUT
  })

  await helia.start()

  return helia as unknown as HeliaWithLibp2p<S>
}
