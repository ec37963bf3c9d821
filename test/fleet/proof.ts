import { fork } from 'node:child_process'
import { once } from 'node:events'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import delay from 'delay'
import { createLibp2p } from 'libp2p'
import { connectIORedis } from './clients.ts'
import { RedisServer } from './redis-server.ts'
import { SlowProxy } from './slow-proxy.ts'
import type { Libp2p } from '@libp2p/interface'
import type { ChildProcess } from 'node:child_process'

/** Of the whole fleet, as in proof-node.ts, and what each node may let one have without asking */
const PEER_LIMIT = 8
const PEER_ALLOWANCE = 1
const HOST_LIMIT = 20
const SYSTEM_LIMIT = 200

/** How long the fleet may take until it is within its limits again, or the attack until it is one, in ms: far longer than it does */
const PATIENCE = 60_000

export interface ProofOptions {
  nodes: number

  /** How many peers want nothing but an echo now and then */
  honest: number

  /** How long each part of it takes, in ms */
  part: number

  /** How long the engine stands still, in ms */
  freeze: number
  log(line: string): void
}

export interface ProofResult {
  tried: number
  succeeded: number

  /** The most that was held at once, over all nodes */
  most: { peer: number, host: number, system: number }

  /** What may be held at most, see `boundOf` */
  bounds: { peer: number, host: number, system: number }
  problems: string[]
}

/**
 * What may be held for a while of what is limited: one node has leased all of it, the engine is
 * lost, and each other node goes on with its share; or each lets somebody have what it may
 * without asking
 */
function boundOf (limit: number, allowance: number, nodes: number): number {
  return limit + Math.max(nodes * allowance, (nodes - 1) * Math.floor(limit / nodes))
}

/**
 * Otherwise there was no attack, and nobody to be served meanwhile
 */
export function saysSomething ({ most, succeeded }: ProofResult): boolean {
  return most.peer >= PEER_LIMIT / 2 && most.host >= HOST_LIMIT / 2 && succeeded > 10
}

class Child {
  readonly process: ChildProcess
  readonly problems: string[]
  address = ''

  constructor (url: string, number: number, nodes: number, problems: string[]) {
    this.problems = problems
    this.process = fork(new URL(`./proof-node.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url), [url, String(number), String(nodes)], {
      execArgv: ['--no-warnings'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    this.process.on('message', ({ message, type }: any) => {
      type === 'error' && problems.push(`node ${number}: ${message}`)
    })
  }

  async ask (type: string, answer: string): Promise<any> {
    const answered = this.wait(answer)

    this.process.send({ type })

    return answered
  }

  async wait (type: string): Promise<any> {
    for (;;) {
      const [message] = await once(this.process, 'message') as [any]

      if (message.type === type) {
        return message
      }
    }
  }
}

async function createRemote (localAddress: string): Promise<Libp2p> {
  return createLibp2p({
    transports: [tcp({ dialOpts: { localAddress } } as any)],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { maxParallelDials: 100, reconnectRetries: 0 },
    connectionMonitor: { enabled: false }
  })
}

/**
 * An honest peer: it asks any node for an echo, again and again, and is done with the connection
 * then
 */
async function beHonest (addresses: string[], localAddress: string, result: ProofResult, isOver: () => boolean): Promise<void> {
  let i = Math.floor(Math.random() * addresses.length)

  while (!isOver()) {
    const remote = await createRemote(localAddress)

    result.tried++

    try {
      const signal = AbortSignal.timeout(20_000)
      const stream = await remote.dialProtocol(multiaddr(addresses[i++ % addresses.length]), '/proof/echo/1.0.0', { signal })
      const answered = new Promise<void>((resolve, reject) => {
        stream.addEventListener('message', () => { resolve() })
        stream.addEventListener('close', () => { reject(new Error('closed')) })
        signal.addEventListener('abort', () => { reject(new Error('too late')) })
      })

      stream.send(new Uint8Array(100))
      await answered
      result.succeeded++
    } catch (err: any) {
      result.problems.length < 20 && result.problems.push(`honest ${localAddress}: ${err.message}`)
    } finally {
      await remote.stop()
    }

    await delay(200)
  }
}

/**
 * One peer, or one host with many peers, that wants as many connections as it can get of all nodes
 */
async function attack (addresses: string[], makeRemote: () => Promise<Libp2p>, isOver: () => boolean): Promise<void> {
  const remotes = new Set<Libp2p>()

  while (!isOver()) {
    const remote = await makeRemote()

    remotes.add(remote)
    await Promise.allSettled(addresses.map(async address => remote.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(5_000) })))

    // one that gets nothing makes place for the next one
    if (remotes.size > 1 && remote.getConnections().length === 0) {
      remotes.delete(remote)
      await remote.stop()
    }

    await delay(250)
  }

  await Promise.all(Array.from(remotes, async remote => remote.stop()))
}

/**
 * Five nodes in processes of their own over TCP, honest peers and attackers of all of them, and an
 * engine that fails in every way
 */
export async function prove ({ freeze, honest, log, nodes, part }: ProofOptions): Promise<ProofResult> {
  const problems: string[] = []
  const result: ProofResult = {
    tried: 0,
    succeeded: 0,
    most: { peer: 0, host: 0, system: 0 },
    bounds: { peer: boundOf(PEER_LIMIT, PEER_ALLOWANCE, nodes), host: boundOf(HOST_LIMIT, 0, nodes), system: boundOf(SYSTEM_LIMIT, 0, nodes) },
    problems
  }
  const server = await RedisServer.start()
  const proxy = await SlowProxy.start(server.port)
  const children = Array.from({ length: nodes }, (_, i) => new Child(`redis://127.0.0.1:${proxy.port}`, i, nodes, problems))
  let over = false

  try {
    const addresses: string[] = await Promise.all(children.map(async child => (await child.wait('ready')).address))
    const attacker = await createRemote('127.0.0.8')
    const running = [
      ...Array.from({ length: honest }, async (_, i) => beHonest(addresses, `127.0.1.${i + 1}`, result, () => over)),
      attack(addresses, async () => attacker, () => over),
      attack(addresses, async () => createRemote('127.0.0.9'), () => over)
    ]
    const measuring = measure(children, attacker.peerId.toString(), result, () => over)

    const phase = async (name: string, wait: number): Promise<void> => {
      log(`${name}`)
      await delay(wait)
      log(`  ${result.succeeded} of ${result.tried} honest, most: ${JSON.stringify(result.most)}`)
    }

    await phase('everything works', part)
    await isReached(() => saysSomething(result))
    await server.signal('SIGKILL')
    await phase('Redis is killed', part)
    await server.restart()
    await phase('Redis is there again, with nothing in it', part)
    await server.signal('SIGSTOP')
    await phase('Redis stands still', freeze)
    await server.signal('SIGCONT')
    await phase('Redis goes on', part)

    const client = await connectIORedis(server.url)

    await client.flushAll()
    await phase('Redis has forgotten everything', part)
    proxy.delay = 500
    await phase('Redis takes half a second in each direction', part)
    proxy.delay = 0
    await phase('everything works again', part)

    if (!await isWithin(children, attacker.peerId.toString())) {
      problems.push('a peer has more than its limit although everything works')
    }

    over = true
    await Promise.all([...running, measuring])
    await attacker.stop()

    for (const [i, child] of children.entries()) {
      const { peers, system } = await child.ask('stop', 'stopped')

      if (Object.values(system).some(held => held !== 0)) {
        problems.push(`node ${i} has left ${JSON.stringify({ system, peers })}`)
      }
    }

    const left = (await client.keys()).filter(key => !key.endsWith(':fleet'))

    left.length > 0 && problems.push(`left in Redis: ${left.join(', ')}`)
    await client.close()
  } finally {
    over = true
    children.forEach(child => { child.process.kill('SIGKILL') })
    proxy.stop()
    await server.signal('SIGCONT').catch(() => {})
    await server.stop()
  }

  return result
}

/**
 * Waits for what is reached sooner or later, as fast as the machine is
 */
async function isReached (condition: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE

  while (!condition() && Date.now() < deadline) {
    await delay(100)
  }
}

async function measure (children: Child[], attacker: string, { most }: ProofResult, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const held = await lookAt(children, attacker)

    most.peer = Math.max(most.peer, held.peer)
    most.host = Math.max(most.host, held.host)
    most.system = Math.max(most.system, held.system)
    await delay(100)
  }
}

/**
 * Whether the peer has no more than its limit, sooner or later: where the limits of peers are
 * exceeded the newest give way. What is leased ahead ends nothing.
 */
async function isWithin (children: Child[], attacker: string): Promise<boolean> {
  const deadline = Date.now() + PATIENCE

  while (Date.now() < deadline) {
    const { peer } = await lookAt(children, attacker)

    if (peer <= PEER_LIMIT) {
      return true
    }

    await delay(100)
  }

  return false
}

/**
 * What all nodes hold, not all at the very same time
 */
async function lookAt (children: Child[], attacker: string): Promise<ProofResult['most']> {
  const stats = await Promise.all(children.map(async child => child.ask('stat', 'stat')))

  return {
    peer: stats.reduce((sum, { peers }) => sum + Number(peers[attacker] ?? 0), 0),
    host: stats.reduce((sum, { hosts }) => sum + Number(hosts.filter((host: string) => host === '127.0.0.9').length), 0),
    system: stats.reduce((sum, { system }) => sum + Number(system.numConnsInbound), 0)
  }
}
