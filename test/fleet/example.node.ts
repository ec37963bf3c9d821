import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import delay from 'delay'
import { createLibp2p } from 'libp2p'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { RedisServer } from './redis-server.ts'
import type { Libp2p } from '@libp2p/interface'
import type { ChildProcess } from 'node:child_process'

// this file is in test/ or, compiled, in dist/test/, and the example is in the source only
const EXAMPLE = ['../../examples/cluster.ts', '../../../examples/cluster.ts']
  .map(path => fileURLToPath(new URL(path, import.meta.url)))
  .find(path => existsSync(path)) ?? ''

const WORKERS = 4

/** Of a peer with all workers together, as in the example */
const LIMIT = 8

/** Four processes begin on a machine that is busy, in ms */
const PATIENCE = 120_000

describe('fleet/example', function () {
  this.timeout(2 * PATIENCE)

  let example: ChildProcess | undefined
  let remote: Libp2p | undefined
  let server: RedisServer | undefined
  let output = ''

  afterEach(async () => {
    await remote?.stop()
    example?.kill('SIGKILL')
    await server?.stop()
    example = remote = server = undefined
    output = ''
  })

  async function start (...args: string[]): Promise<string> {
    // in a group of its own, as a terminal starts it
    const child = spawn(process.execPath, ['--no-warnings', EXAMPLE, '--port', '0', '--workers', String(WORKERS), ...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const add = (data: Buffer): void => { output += data.toString() }

    example = child
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    await eventually(() => listening().length === WORKERS, 'the workers', PATIENCE)
    expect(new Set(listening())).to.have.property('size', 1)

    return listening()[0]
  }

  function listening (): string[] {
    return Array.from(output.matchAll(/listens on (\S+)/g), ([, address]) => address)
  }

  /** What the primary has said last */
  function reported (): number[] {
    return Array.from(output.split('\n').findLast(line => line.endsWith(' connections'))?.matchAll(/worker-\d+ (\d+)/g) ?? [], ([, count]) => Number(count))
  }

  it('should have no more connections of a peer than one node, with their primary', async () => {
    await dialAll(await start())
  })

  it('should have no more connections of a peer than one node, with a server', async () => {
    server = await RedisServer.start()
    await dialAll(await start('--redis', server.url))

    // Ctrl-C
    const ended = once(example as ChildProcess, 'close')

    process.kill(-Number(example?.pid), 'SIGINT')
    expect(await ended).to.deep.equal([0, null])
    expect(output).to.not.include('Error')
    expect(output.match(/has ended/g)).to.have.lengthOf(WORKERS)
  })

  /**
   * One peer wants as many connections as it can get. They are divided among the workers, each of
   * which would take 8
   */
  async function dialAll (address: string): Promise<void> {
    const dialler = remote = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionManager: { reconnectRetries: 0 },
      connectionMonitor: { enabled: false }
    })
    const deadline = Date.now() + PATIENCE

    for (let dialled = 0; dialled < 3 * LIMIT || !isSettled(dialler); dialled++) {
      expect(Date.now(), `waited in vain: ${output}`).to.be.below(deadline)
      await dialler.dial(multiaddr(address), { force: true }).catch(() => {})
      await delay(dialled < 3 * LIMIT ? 0 : 200)
    }

    expect(reported().filter(count => count > 0)).to.have.length.above(1)
  }

  /** The limit is used, and what the workers have said is what there is */
  function isSettled (dialler: Libp2p): boolean {
    const held = dialler.getConnections().length
    const sum = reported().reduce((total, count) => total + count, 0)

    return held <= LIMIT && held >= LIMIT / 2 && sum === held
  }

  it('should start a worker again that dies, and end in order', async () => {
    await start()

    process.kill(Number(/worker-2 \((\d+)\)/.exec(output)?.[1]), 'SIGKILL')
    await eventually(() => output.includes('worker-2 has ended'), 'the end of a worker', PATIENCE)
    await eventually(() => listening().length === WORKERS + 1, 'the next worker', PATIENCE)
    expect(output).to.include(`worker-${WORKERS + 1} (`)

    // after the end of the process there may still be something to read
    const ended = once(example as ChildProcess, 'close')

    example?.kill('SIGTERM')
    expect(await ended).to.deep.equal([0, null])
    expect(output.match(/has ended/g)).to.have.lengthOf(WORKERS + 1)
  })
})
