import { yamux } from '@chainsafe/libp2p-yamux'
import { mplex } from '@libp2p/mplex'
import { overRelay, overTcp, overWebSockets } from '../libp2p/fixtures/node-transports.ts'
import { overMemory } from '../libp2p/fixtures/transports.ts'
import { overWebRtcDirect } from '../libp2p/fixtures/webrtc-direct.ts'
import { MiB } from './framework/bytes.ts'
import { MANAGER_NAMES } from './framework/managers.ts'
import { accepting } from './programs/accepting.ts'
import { ordinary } from './programs/application.ts'
import { queries } from './programs/dht.ts'
import { dialling } from './programs/dialling.ts'
import { echoing } from './programs/echoing.ts'
import { identifying } from './programs/identifying.ts'
import { joining } from './programs/joining.ts'
import { flood } from './programs/pubsub.ts'
import { reconnecting } from './programs/reconnecting.ts'
import { requests } from './programs/requests.ts'
import { transfer } from './programs/transfers.ts'
import type { ManagerName } from './framework/managers.ts'
import type { Program } from './framework/program.ts'

/**
 * For programs that take a second or two, or vary others: the one that nobody configures, and
 * those that have least of everything (of the profiles the browser's, whose memory, connections and
 * inbound share are the smallest). What these allow the others do.
 */
const SMALLEST: ManagerName[] = ['default', 'browser', '64 MiB', 'small machine']

/**
 * For programs that have more than 64 MiB in the buffers of one node, because they send
 * without waiting: a limit of 64 MiB that a user has set is meant
 */
const WITHOUT_64_MIB: ManagerName[] = ['default', 'browser', 'small machine']

/**
 * For programs that have more than the 128 MiB of go-libp2p's smallest node in the buffers of one node
 */
const WITH_MEMORY: ManagerName[] = ['default', 'browser']

/**
 * For programs with 80 peers, which the limits that stand for fewer inbound connections refuse rightly: 50 of a browser, and 75
 * of 100
 */
const WITH_80_INBOUND: ManagerName[] = ['default', 'desktop', '64 MiB', 'small machine']

/**
 * For programs with 300 peers. The other limits stand for fewer connections.
 */
const WITH_300_INBOUND: ManagerName[] = ['default', 'server', 'small machine']

/**
 * For a program that has told its connection manager to allow more than 300. Defaults have to know.
 */
const DEFAULTS: ManagerName[] = ['default', 'small machine']

/**
 * mplex is not meant to have many streams: it closes connections with more than 5 new ones in a second unless told
 * otherwise
 */
const mplexForRequests = mplex({ disconnectThreshold: 1_000 })

/**
 * A program that pauses streams has to raise this to all that it is sent. A stream that is paused in its listener while it
 * resumes goes on opening the window (`resume()` of `@libp2p/utils`), so all of it may wait, and plain js-libp2p
 * resets streams with more than 4 MiB in their read buffer.
 */
const yamuxForPausing = yamux({ streamOptions: { maxReadBufferLength: 64 * MiB } })

const SLOW = { bytesPerSecond: MiB }
const FAR = { latency: 100 }

/**
 * Which program is run with which managers. Not here, because plain js-libp2p does not do it
 * either:
 *
 * - 30 MiB in one `send()` over mplex and a relay: the relay has no flow control, and now and then the
 * receiver gets less
 * - `byteStream` with the 4 MiB that it keeps by default, and streams that are paused with the 4 MiB that
 * libp2p keeps, where more is sent at once
 * - more than 10 streams on a connection before the other end has got it
 */
export const TABLE: Array<[Program, ManagerName[]]> = [
  // much at once
  [transfer('sends 10 MiB at once over TCP and yamux', { over: overTcp, bytes: 10 * MiB }), MANAGER_NAMES],
  [transfer('is sent 10 MiB at once over TCP and yamux', { over: overTcp, bytes: 10 * MiB, direction: 'down' }), SMALLEST],
  [transfer('sends 10 MiB at once over TCP and mplex', { over: overTcp, muxer: mplex(), bytes: 10 * MiB }), MANAGER_NAMES],
  [transfer('sends 10 MiB at once over WebSockets and yamux', { over: overWebSockets, bytes: 10 * MiB }), MANAGER_NAMES],
  [transfer('sends 10 MiB at once over WebSockets and mplex', { over: overWebSockets, muxer: mplex(), bytes: 10 * MiB }), SMALLEST],
  [transfer('sends 10 MiB at once in memory over yamux', { over: overMemory(), bytes: 10 * MiB }), MANAGER_NAMES],
  [transfer('sends 10 MiB at once in memory over mplex', { over: overMemory(mplex()), muxer: mplex(), bytes: 10 * MiB }), SMALLEST],
  [transfer('sends 10 MiB at once over WebRTC', { over: overWebRtcDirect, bytes: 10 * MiB }), MANAGER_NAMES],
  [transfer('sends 10 MiB to a listener', { over: overTcp, bytes: 10 * MiB, receive: 'with a listener' }), SMALLEST],
  [transfer('sends 10 MiB with byteStream', { over: overTcp, bytes: 10 * MiB, send: 'with one write() of byteStream', receive: 'with byteStream' }), MANAGER_NAMES],
  [transfer('sends 10 MiB in pieces with byteStream', { over: overTcp, bytes: 10 * MiB, send: 'with many write()s of byteStream', receive: 'with byteStream' }), SMALLEST],
  [transfer('sends 10 MiB with lpStream', { over: overTcp, bytes: 10 * MiB, send: 'with one write() of lpStream', receive: 'with lpStream' }), MANAGER_NAMES],
  [echoing('echoes 10 MiB over TCP', overTcp, 10 * MiB), MANAGER_NAMES],
  [echoing('echoes 10 MiB over WebSockets', overWebSockets, 10 * MiB), SMALLEST],

  // much in pieces
  [transfer('sends 64 × 1 MiB', { over: overTcp, bytes: 64 * MiB, send: 'in pieces of 1 MiB' }), WITHOUT_64_MIB],
  [transfer('sends 64 × 1 MiB over mplex', { over: overTcp, muxer: mplex(), bytes: 64 * MiB, send: 'in pieces of 1 MiB' }), WITHOUT_64_MIB],
  [transfer('sends 64 × 1 MiB and waits with onDrain()', { over: overTcp, bytes: 64 * MiB, send: 'in pieces of 1 MiB, with onDrain()' }), WITHOUT_64_MIB],
  [transfer('sends 64 MiB and waits each time', { over: overTcp, bytes: 64 * MiB, send: 'with many write()s of byteStream' }), SMALLEST],
  [transfer('sends 30 MiB over a relay', { over: overRelay, bytes: 30 * MiB }), MANAGER_NAMES],
  [transfer('sends 30 MiB over a relay and mplex and waits each time', { over: overRelay, muxer: mplex(), bytes: 30 * MiB, send: 'with many write()s of byteStream' }), SMALLEST],
  [transfer('sends 30 MiB over WebSockets', { over: overWebSockets, bytes: 30 * MiB }), SMALLEST],
  [transfer('sends 30 MiB over mplex', { over: overTcp, muxer: mplex(), bytes: 30 * MiB }), SMALLEST],

  // readers that take their time
  [transfer('reads 32 MiB in a loop, working 5 ms on each chunk', { over: overTcp, bytes: 32 * MiB, receive: 'in a loop that works on each chunk' }), MANAGER_NAMES],
  [transfer('reads 32 MiB and pauses to work 5 ms on each chunk', { over: overTcp, muxer: yamuxForPausing, bytes: 32 * MiB, receive: 'pausing to work on each chunk' }), MANAGER_NAMES],

  // many at once, and after another
  [transfer('sends 16 × 8 MiB in parallel', { over: overTcp, bytes: 8 * MiB, count: 16 }), WITH_MEMORY],
  [transfer('sends 16 × 8 MiB in parallel and waits each time', { over: overTcp, bytes: 8 * MiB, count: 16, send: 'with many write()s of byteStream' }), SMALLEST],
  [transfer('sends and is sent 8 × 8 MiB in parallel', { over: overTcp, bytes: 8 * MiB, count: 8, direction: 'both' }), SMALLEST],
  [transfer('sends 16 × 8 MiB after another', { over: overTcp, bytes: 8 * MiB, count: 16, parallel: false }), SMALLEST],

  // slow and long ways
  [transfer('sends 2 MiB over a line of 1 MiB/s', { over: overTcp, bytes: 2 * MiB, link: SLOW }), SMALLEST],
  [transfer('sends 8 × 256 KiB in parallel over a line of 1 MiB/s and 100 ms', { over: overTcp, bytes: MiB / 4, count: 8, link: { ...SLOW, ...FAR } }), SMALLEST],
  [transfer('sends 10 MiB over WebSockets and 100 ms', { over: overWebSockets, bytes: 10 * MiB, link: FAR }), SMALLEST],
  [transfer('sends 5 MiB over mplex and 100 ms', { over: overTcp, muxer: mplex(), bytes: 5 * MiB, link: FAR }), SMALLEST],

  // short requests
  [requests('asks 50 questions at a time', { over: overTcp, burst: 50, times: 16 }), MANAGER_NAMES],
  [requests('asks 100 questions at a time', { over: overTcp, burst: 100, times: 8 }), MANAGER_NAMES],
  [requests('asks 250 questions at a time', { over: overTcp, burst: 250, times: 3 }), MANAGER_NAMES],
  [requests('asks 250 questions at a time over 100 ms', { over: overTcp, burst: 250, times: 1, link: FAR }), MANAGER_NAMES],
  [requests('asks 250 questions at a time over mplex', { over: overTcp, muxer: mplexForRequests, burst: 250, times: 2 }), SMALLEST],
  [requests('asks 250 questions at a time over WebSockets', { over: overWebSockets, burst: 250, times: 2 }), SMALLEST],
  [requests('asks 250 questions at a time in memory', { over: overMemory(), burst: 250, times: 2 }), SMALLEST],
  [requests('asks 250 questions at a time over a relay', { over: overRelay, burst: 250, times: 2 }), SMALLEST],
  [requests('asks 300 questions after another', { over: overTcp, burst: 1, times: 300 }), SMALLEST],

  // many peers
  [dialling(60), MANAGER_NAMES],
  [reconnecting(40, 1), MANAGER_NAMES],
  [joining(80), WITH_80_INBOUND],
  [identifying(300), WITH_300_INBOUND],
  [accepting(350), DEFAULTS],

  // the usual services
  [flood(4), MANAGER_NAMES],
  [flood(12), WITHOUT_64_MIB],
  [queries, SMALLEST],
  [ordinary, MANAGER_NAMES]
]
