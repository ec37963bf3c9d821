import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import transportSuite from '@libp2p/interface-compliance-tests/transport'
import { memory } from '@libp2p/memory'
import { mplex } from '@libp2p/mplex'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { Circuit, Memory, TCP, WebSockets } from '@multiformats/multiaddr-matcher'
import { createLibp2p } from 'libp2p'
import type { Managers } from '../lib/managers.ts'
import type { Libp2p } from '@libp2p/interface'
import type { MultiaddrMatcher } from '@multiformats/multiaddr-matcher'
import type { Libp2pOptions } from 'libp2p'

type Stack = Pick<Libp2pOptions, 'transports' | 'connectionEncrypters' | 'streamMuxers'>

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

const NOISE_YAMUX: Stack = { connectionEncrypters: [noise()], streamMuxers: [yamux()] }

/**
 * Transports, and the stacks on top of them
 */
const STACKS: Array<{ name: string, stack: Stack, listen: string[], matcher: MultiaddrMatcher }> = [
  { name: 'TCP, Noise, yamux', stack: { transports: [tcp()], ...NOISE_YAMUX }, listen: [LOOPBACK, LOOPBACK], matcher: TCP },
  { name: 'TCP, TLS, yamux', stack: { transports: [tcp()], connectionEncrypters: [tls()], streamMuxers: [yamux()] }, listen: [LOOPBACK, LOOPBACK], matcher: TCP },
  { name: 'TCP, plaintext, mplex', stack: { transports: [tcp()], connectionEncrypters: [plaintext()], streamMuxers: [mplex({ disconnectThreshold: Infinity })] }, listen: [LOOPBACK, LOOPBACK], matcher: TCP },
  { name: 'WebSockets, Noise, yamux', stack: { transports: [webSockets()], ...NOISE_YAMUX }, listen: [`${LOOPBACK}/ws`, `${LOOPBACK}/ws`], matcher: WebSockets },
  { name: 'memory, Noise, yamux', stack: { transports: [memory()], ...NOISE_YAMUX }, listen: ['/memory/1', '/memory/2'], matcher: Memory },
  // plaintext and the muxer of the suite
  { name: 'memory', stack: { transports: [memory()] }, listen: ['/memory/1', '/memory/2'], matcher: Memory }
]

/**
 * Runs the suite for transports with a resource manager in both nodes, and over a relay
 * with a third
 */
export function transports (managers: Managers): void {
  for (const { name, stack, listen, matcher } of STACKS) {
    describe(name, () => {
      transportSuite({
        setup: async () => ({
          dialer: { ...stack, services: managers.services() },
          listener: { ...stack, addresses: { listen }, services: managers.services() },
          dialMultiaddrMatcher: matcher,
          listenMultiaddrMatcher: matcher
        }),
        teardown: async () => {}
      })
    })
  }

  describe('relayed, Noise, yamux', () => { relayed(managers) })
}

function relayed (managers: Managers): void {
  const stack: Stack = { transports: [tcp(), circuitRelayTransport()], ...NOISE_YAMUX }
  const relays: Libp2p[] = []

  const startRelay = async (): Promise<string> => {
    const relay = await createLibp2p({
      ...stack,
      // so that nodes that use it have two addresses, too
      addresses: { listen: [LOOPBACK, LOOPBACK] },
      services: {
        identify: identify(),
        relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } }),
        ...managers.services()
      }
    })

    relays.push(relay)

    return `${relay.getMultiaddrs()[0]}/p2p-circuit`
  }

  transportSuite({
    setup: async () => ({
      dialer: { ...stack, services: { identify: identify(), ...managers.services() } },
      listener: {
        ...stack,
        addresses: { listen: [await startRelay()] },
        services: { identify: identify(), ...managers.services() }
      },
      dialMultiaddrMatcher: Circuit,
      listenMultiaddrMatcher: Circuit
    }),
    teardown: async () => {
      await Promise.all(relays.splice(0).map(async relay => { await relay.stop() }))
    }
  })
}
