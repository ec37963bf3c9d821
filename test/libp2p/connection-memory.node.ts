import { expect } from 'aegir/chai'
import { getConnectionScope, MemoryLimitExceededError } from '../../src/index.ts'
import { eventually } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { overTcp } from './fixtures/node-transports.ts'
import { muxerOf, rawConnection, TestNodes } from './fixtures/nodes.ts'

const PING = Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
const PINGS_PER_MESSAGE = 5_000

/**
 * More than the kernel takes of the answers
 */
const MESSAGES = 1_000

describe('a remote that makes a connection answer, and does not read', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should lose the connection when it holds more than it may and takes nothing, without harm to others', async () => {
    const { dialer, listener, address } = await overTcp.connect(nodes, { listener: { manager: { limits: { conn: { memory: 400_000 } } } } })
    await Inbox.of(listener)
    const other = await dialer.dial(address)
    const local = await dialer.dial(address, { force: true })
    const remote = await eventually(() => listener.getConnections()[1], 'the second connection')
    const ended: unknown[] = []
    const end = new Promise<void>(resolve => {
      rawConnection(remote).addEventListener('close', ({ error }) => {
        ended.push(error)
        resolve()
      })
    })

    // all of the muxer below: it would wait for a stream
    const { maConn } = muxerOf(local) as any
    const pings = new Uint8Array(PINGS_PER_MESSAGE * PING.byteLength)

    for (let i = 0; i < PINGS_PER_MESSAGE; i++) {
      pings.set(PING, i * PING.byteLength)
    }

    (rawConnection(local) as any).socket.pause()

    for (let i = 0; i < MESSAGES && ended.length === 0 && maConn.status === 'open'; i++) {
      if (maConn.send(pings) === false) {
        await Promise.race([new Promise(resolve => { maConn.addEventListener('drain', resolve, { once: true }) }), end])
      }
    }

    await end
    expect(ended).to.have.lengthOf(1)
    expect(ended[0]).to.be.instanceOf(MemoryLimitExceededError).with.property('scope', getConnectionScope(remote).name)
    await other.newStream(PROTOCOL)
    local.abort(new Error('enough'))
  })
})
