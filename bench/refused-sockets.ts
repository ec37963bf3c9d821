/**
 * `node bench/refused-sockets.ts [loss]`: what it costs a real node over TCP to refuse an inbound connection
 * before its handshake, against what it costs a node without a resource manager to accept one and to
 * close it; and how many refusals a core takes before honest peers lose 1% of what they do. It takes
 * about two minutes, on loopback only.
 *
 * The node is in a process of its own, on a core of its own where there are several, and so are those
 * who connect. Costs are CPU time of the node, so that it does not matter how fast the others are.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { performance as nodePerformance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../src/index.ts'
import { head, row } from './markdown.ts'
import { pin } from './node/pin.ts'
import { quantile } from './statistics.ts'
import type { ResourceManagerInit } from '../src/index.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'

const { eventLoopUtilization } = nodePerformance
const FILE = fileURLToPath(import.meta.url)
const PROTOCOL = '/bench-echo/1.0.0'
const MESSAGE = new Uint8Array(64).fill(7)
const PLENTY = 100_000

/** Addresses of the loopback network stand for hosts. This one may have no connection. */
const REFUSED = '127.0.0.66'
const HONEST = '127.0.0.2'

/** How many sockets are open at a time where nothing else is said */
const AT_A_TIME = 32

/** In ms */
const DURATION = 3_000
const HANDSHAKES = 200

/** What honest peers do: streams and new connections per second, of which each has this long, in ms */
const HONEST_STREAMS = 100
const HONEST_DIALS = 5
const DEADLINE = 1_000
const DIAL_DEADLINE = 5_000
const LOSS = 0.01

/** How many sockets per second are offered, one after the other */
const OFFERED = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000]
const TICK = 20

/** Those who offer them */
const ATTACKERS = 2

/** More than these would not fit into the queue of the listener, and be tried again a second later */
const WAITING = 400

const WIDTHS = [58, 14, 14, 14]
const LOSS_WIDTHS = [26, 8, 11, 6, 12, 9, 10, 9]

const MANAGERS: Record<string, ResourceManagerInit | false> = {
  absent: false,
  refusing: { networks: [{ network: `${REFUSED}/32`, connCount: 0 }], rateLimits: false, bans: false, warnings: false }
}

interface Costs {
  refusals: number

  /** Which part of the time since the last question the event loop had something to do */
  busy: number

  /** In µs */
  cpu: number
}

// the node

async function serve (manager: ResourceManagerInit | false): Promise<void> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { maxConnections: PLENTY, maxIncomingPendingConnections: PLENTY, inboundConnectionThreshold: Infinity },
    ...(manager === false ? {} : { services: { resourceManager: resourceManager(manager) } })
  })

  await node.handle(PROTOCOL, stream => {
    stream.addEventListener('message', ({ data }) => { stream.send(data) })
    stream.addEventListener('remoteCloseWrite', () => { stream.close().catch(err => { stream.abort(err) }) })
  }, { maxInboundStreams: PLENTY })

  const refusals = (): number => {
    const service = node.services as { resourceManager?: { refusals(): Array<{ count: number }> } }

    return service.resourceManager?.refusals().reduce((sum, { count }) => sum + count, 0) ?? 0
  }

  answerCosts(refusals)
  process.send?.(node.getMultiaddrs()[0].toString())
}

function answerCosts (refusals: () => number): void {
  let before = eventLoopUtilization()

  process.on('message', () => {
    const { system, user } = process.cpuUsage()
    const { utilization } = eventLoopUtilization(before)

    before = eventLoopUtilization()
    process.send?.({ cpu: system + user, refusals: refusals(), busy: utilization } satisfies Costs)
  })
  process.on('disconnect', () => { process.exit() })
}

/**
 * What Node.js itself takes to accept a socket and to close it
 */
async function serveSockets (): Promise<void> {
  const server = createServer(socket => { socket.destroy() }).listen(0, '127.0.0.1')

  await once(server, 'listening')
  answerCosts(() => 0)
  process.send?.(`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`)
}

// those who connect without saying anything

/**
 * Connects, and waits for the end
 */
async function beRefused (port: number, localAddress: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })

  // the node may reset it
  socket.on('error', () => {})
  socket.resume()
  await new Promise(resolve => { socket.on('close', resolve) })
}

/**
 * As many sockets as are refused, some at a time
 *
 * @returns How many there were
 */
async function connectInTurn (port: number, localAddress: string): Promise<number> {
  const end = performance.now() + DURATION
  let count = 0

  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    while (performance.now() < end) {
      await beRefused(port, localAddress)
      count++
    }
  }))

  return count
}

/**
 * So many sockets per second, whether or not others have been refused
 */
async function offer (port: number, rate: number): Promise<void> {
  const sockets = new Set<Promise<void>>()
  const start = performance.now()
  let offered = 0

  while (performance.now() < start + DURATION) {
    const due = rate * (performance.now() - start) / 1_000

    for (; offered < due && sockets.size < WAITING / ATTACKERS; offered++) {
      const socket = beRefused(port, REFUSED).finally(() => { sockets.delete(socket) })

      sockets.add(socket)
    }

    await new Promise(resolve => setTimeout(resolve, TICK))
  }

  await Promise.all(sockets)
}

// what is measured

async function start (role: string, ...args: string[]): Promise<{ child: ChildProcess, said: any }> {
  const child = fork(FILE, [role, ...args])

  pin(child.pid as number, role === 'serve' ? 'measured' : 'other end')

  const [said] = await once(child, 'message')

  return { child, said }
}

async function costsOf (child: ChildProcess): Promise<Costs> {
  child.send('costs')

  const [costs] = await once(child, 'message')

  return costs
}

function portOf (address: string): number {
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1])
}

/**
 * What one connection costs the node, in µs
 */
async function costOfEach (name: string, connectAll: (address: string) => Promise<number>): Promise<number> {
  const { child, said: address } = await start('serve', name)

  // what the compiler has not seen yet
  await connectAll(address)

  const before = await costsOf(child)
  const count = await connectAll(address)
  const after = await costsOf(child)

  child.disconnect()

  return (after.cpu - before.cpu) / count
}

async function dialer (localAddress: string): Promise<Libp2p> {
  // it is passed on to `net.connect`, though the type does not list it
  const dialOpts: object = { localAddress }

  return createLibp2p({ transports: [tcp({ dialOpts })], connectionEncrypters: [noise()], streamMuxers: [yamux()], connectionMonitor: { enabled: false }, connectionManager: { reconnectRetries: 0 } })
}

async function dialAndClose (address: string): Promise<number> {
  const node = await dialer(HONEST)

  for (let i = 0; i < HANDSHAKES; i++) {
    const connection = await node.dial(multiaddr(address), { force: true })

    await connection.close()
  }

  await node.stop()

  return HANDSHAKES
}

async function echo (connection: Connection): Promise<void> {
  const stream = await connection.newStream(PROTOCOL, { signal: AbortSignal.timeout(DEADLINE), maxOutboundStreams: PLENTY })

  try {
    stream.send(MESSAGE)
    await once(stream as unknown as EventTarget as any, 'message', { signal: AbortSignal.timeout(DEADLINE) })
    await stream.close()
  } catch (err) {
    stream.abort(err as Error)
    throw err
  }
}

interface Lost {
  /** Which part of them failed or came too late */
  share: number

  /** How long 99 of 100 took at most, in ms */
  slow: number
}

/**
 * Does something so many times per second
 */
async function lossOf (rate: number, deadline: number, act: () => Promise<void>): Promise<Lost> {
  const acts: Array<Promise<number>> = []
  const start = performance.now()

  while (performance.now() < start + DURATION) {
    for (const due = rate * (performance.now() - start) / 1_000; acts.length < due;) {
      const begun = performance.now()

      acts.push(act().then(() => performance.now() - begun, () => Infinity))
    }

    await new Promise(resolve => setTimeout(resolve, TICK))
  }

  const took = await Promise.all(acts)

  return { share: took.filter(time => time > deadline).length / took.length, slow: quantile(took, 0.99) }
}

async function dial (node: Libp2p, address: string): Promise<void> {
  const connection = await node.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(DIAL_DEADLINE) })

  connection.close().catch(err => { connection.abort(err) })
}

async function measureLoss (): Promise<void> {
  const { child, said: address } = await start('serve', 'refusing')
  const node = await dialer(HONEST)
  const connection = await node.dial(multiaddr(address))
  const dialling = await dialer(HONEST)

  print(`\n${head(['sockets offered per second', 'refused', 'CPU of node', 'busy', 'streams lost', 'slow ones', 'dials lost', 'slow ones'], LOSS_WIDTHS)}`)

  for (const rate of OFFERED) {
    const attackers = await Promise.all(Array.from({ length: rate === 0 ? 0 : ATTACKERS }, async () => {
      return (await start('offer', String(portOf(address)), String(rate / ATTACKERS))).child
    }))
    const before = await costsOf(child)
    const begun = performance.now()

    attackers.forEach(child => { child.send('go') })

    const [streams, dials] = await Promise.all([
      lossOf(HONEST_STREAMS, DEADLINE, async () => echo(connection)),
      lossOf(HONEST_DIALS, DIAL_DEADLINE, async () => dial(dialling, address))
    ])
    const after = await costsOf(child)
    const elapsed = performance.now() - begun
    const refused = 1_000 * (after.refusals - before.refusals) / elapsed
    const cpu = (after.cpu - before.cpu) / 1_000 / elapsed

    attackers.forEach(child => { child.disconnect() })
    print(row([String(rate), `${refused.toFixed(0)} / s`, `${(100 * cpu).toFixed(0)}%`, `${(100 * after.busy).toFixed(0)}%`, ...[streams, dials].flatMap(({ share, slow }) => [`${(100 * share).toFixed(1)}%`, `${slow.toFixed(0)} ms`])], LOSS_WIDTHS))

    if (Math.max(streams.share, dials.share) > LOSS) {
      break
    }
  }

  child.disconnect()
  await node.stop()
  await dialling.stop()
}

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

async function measureAll (): Promise<void> {
  const accepted = await costOfEach('absent', dialAndClose)
  const refused = await costOfEach('refusing', async address => connectInTurn(portOf(address), REFUSED))

  const closed = await costOfEach('sockets', async address => connectInTurn(portOf(address), REFUSED))

  print(head(['of one connection', 'CPU time', 'per core and s'], WIDTHS))
  print(row(['accepted, upgraded and closed, no resource manager', `${accepted.toFixed(0)} µs`, (1e6 / accepted).toFixed(0)], WIDTHS))
  print(row(['refused before the handshake', `${refused.toFixed(0)} µs`, (1e6 / refused).toFixed(0)], WIDTHS))
  print(row(['accepted and destroyed by a bare server of Node.js', `${closed.toFixed(0)} µs`, (1e6 / closed).toFixed(0)], WIDTHS))
  print(row(['refused, against accepted and closed', '', `${(accepted / refused).toFixed(1)} times`], WIDTHS))

  await measureLoss()
}

const [role, ...args] = process.argv.slice(2)

if (role === 'serve') {
  await (args[0] === 'sockets' ? serveSockets() : serve(MANAGERS[args[0]]))
} else if (role === 'offer') {
  process.on('message', () => { void offer(Number(args[0]), Number(args[1])) })
  process.on('disconnect', () => { process.exit() })
  process.send?.('ready')
} else if (role === 'loss') {
  await measureLoss()
} else {
  await measureAll()
}
