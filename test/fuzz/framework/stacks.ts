import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { memory } from '@libp2p/memory'
import { mplex } from '@libp2p/mplex'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webRTC, webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { webSocketsFrom } from '../../attacks/framework/web-sockets-from.ts'
import { CERTIFICATE } from './certificate.ts'
import type { ConnectionEncrypter, StreamMuxerFactory, Transport } from '@libp2p/interface'

/**
 * Nobody outside of this machine is asked
 */
const RTC = { rtcConfiguration: { iceServers: [] } }

type Factory<T> = (components: any) => T

/**
 * How bytes get to the victim
 */
export type Via = 'tcp' | 'websockets' | 'secure websockets' | 'relay' | 'memory' | 'webrtc' | 'webrtc-direct'

/**
 * What a victim is made of
 */
export interface Stack {
  name: string
  via: Via

  /** Where it listens. A relay is added to where it is reached over one. */
  listen: string
  encrypter: 'noise' | 'plaintext' | 'tls'
  muxer: 'yamux' | 'mplex'

  /** Whether connections bring an encryption and a muxer of their own. The others are those of the relay. */
  webRtc: boolean
}

function stack (via: Via, listen: string, encrypter: Stack['encrypter'], muxer: Stack['muxer']): Stack {
  return { name: `${via}, ${encrypter}, ${muxer}`, via, listen, encrypter, muxer, webRtc: false }
}

function webRtcStack (via: Via, listen: string): Stack {
  return { name: via, via, listen, encrypter: 'noise', muxer: 'yamux', webRtc: true }
}

export const STACKS: readonly Stack[] = [
  stack('tcp', '/ip4/127.0.0.1/tcp/0', 'noise', 'yamux'),
  stack('tcp', '/ip4/127.0.0.1/tcp/0', 'noise', 'mplex'),
  stack('tcp', '/ip4/127.0.0.1/tcp/0', 'plaintext', 'yamux'),
  stack('tcp', '/ip4/127.0.0.1/tcp/0', 'tls', 'yamux'),
  stack('websockets', '/ip4/127.0.0.1/tcp/0/ws', 'noise', 'yamux'),
  stack('websockets', '/ip4/127.0.0.1/tcp/0/ws', 'plaintext', 'mplex'),
  stack('secure websockets', '/ip4/127.0.0.1/tcp/0/tls/ws', 'noise', 'yamux'),
  stack('relay', '/p2p-circuit', 'noise', 'yamux'),
  stack('memory', '/memory/fuzz-victim', 'noise', 'yamux'),
  webRtcStack('webrtc', '/p2p-circuit'),
  webRtcStack('webrtc-direct', '/ip4/127.0.0.1/udp/0/webrtc-direct')
]

/**
 * Whether a victim is reached over a relay
 */
export function hasRelay ({ via }: Pick<Stack, 'via'>): boolean {
  return via === 'relay' || via === 'webrtc'
}

/**
 * @throws {Error} If there is no such stack
 */
export function findStack (name: string): Stack {
  const stack = STACKS.find(stack => stack.name === name)

  if (stack == null) {
    throw new Error(`there is no stack "${name}", only ${STACKS.map(({ name }) => `"${name}"`).join(', ')}`)
  }

  return stack
}

const ENCRYPTERS = { noise, plaintext, tls }

export function encrypterOf ({ encrypter }: Pick<Stack, 'encrypter'>): Factory<ConnectionEncrypter> {
  return ENCRYPTERS[encrypter]()
}

export function muxerOf ({ muxer }: Stack): Factory<StreamMuxerFactory> {
  return muxer === 'yamux' ? yamux() : mplex()
}

/**
 * The transports of the victim, with their defaults
 */
export function victimTransports ({ via }: Stack): Array<Factory<Transport>> {
  switch (via) {
    case 'tcp':
      return [tcp()]
    case 'websockets':
      return [webSockets()]
    case 'secure websockets':
      return [webSockets({ https: CERTIFICATE })]
    case 'relay':
      return [tcp(), circuitRelayTransport()]
    case 'webrtc':
      return [tcp(), circuitRelayTransport(), webRTC(RTC)]
    case 'webrtc-direct':
      return [webRTCDirect(RTC)]
    default:
      return [memory()]
  }
}

/**
 * Where those listen whom the victim dials
 */
export function dialledAddress ({ via }: Pick<Stack, 'via'>): string | undefined {
  switch (via) {
    case 'memory':
    case 'webrtc':
      return undefined
    case 'webrtc-direct':
      return '/ip4/127.0.0.1/udp/0/webrtc-direct'
    case 'websockets':
    case 'secure websockets':
      return '/ip4/127.0.0.1/tcp/0/ws'
    default:
      return '/ip4/127.0.0.1/tcp/0'
  }
}

/**
 * The transports of those who dial the victim
 *
 * @param stack
 * @param from - Their address, asked for each dial
 */
export function dialerTransports (stack: Stack, from: () => string | undefined): Array<Factory<Transport>> {
  // passed on to Node.js for each dial, though it is not among the documented options
  const dialOpts: object = { get localAddress () { return from() } }

  switch (stack.via) {
    case 'tcp':
      return [tcp({ dialOpts })]
    case 'websockets':
    case 'secure websockets':
      // the second is for listening, dials are all by the first
      return [webSocketsFrom(from), webSockets()]
    default:
      return victimTransports(stack)
  }
}
