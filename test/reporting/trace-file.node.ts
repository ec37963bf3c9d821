import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'aegir/chai'
import { traceFile } from '../../src/node.ts'
import { eventuallyEqual } from '../libp2p/fixtures/eventually.ts'
import { Inbox } from '../libp2p/fixtures/inbox.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { overMemory } from '../libp2p/fixtures/transports.ts'
import { createManager, errorOf, NOTHING, peerA, PROTOCOL, recordingLogger, SERVICE } from '../scopes/fixtures.ts'
import { Recorder } from './fixtures.ts'
import { replay } from './replay.ts'
import type { TraceEvent } from '../../src/index.ts'

/**
 * The fields of go-libp2p's events and scopes, and those of a limit
 */
const EVENT_FIELDS = ['Time', 'Type', 'Scope', 'Name', 'Of', 'Joining', 'Buffered', 'Requester', 'Limit', 'Priority', 'Delta', 'DeltaIn', 'DeltaOut', 'Memory', 'StreamsIn', 'StreamsOut', 'ConnsIn', 'ConnsOut', 'FD']
const SCOPE_FIELDS = ['Class', 'Conn', 'Stream', 'Service', 'Protocol', 'Peer', 'Span']
const SESSION_FIELDS = ['Class', 'Collector', 'Session', 'Reference', 'Location', 'Peer']
const LIMIT_FIELDS = ['Streams', 'StreamsInbound', 'StreamsOutbound', 'Conns', 'ConnsInbound', 'ConnsOutbound', 'FD', 'Memory']

describe('trace file', () => {
  let directory: string
  let path: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trace-file-'))
    path = join(directory, 'trace.json.gz')
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  async function read (): Promise<any[]> {
    return gunzipSync(await readFile(path)).toString().trimEnd().split('\n').map(line => JSON.parse(line))
  }

  function event (delta: number): TraceEvent {
    return { time: 0, type: 'reserve_memory', name: 'system', priority: 0, delta, deltaIn: 0, deltaOut: 0, memory: 0, streamsIn: 0, streamsOut: 0, connsIn: 0, connsOut: 0, fd: 0 }
  }

  it('should end on a full disk, count what is lost, and leave the manager alone', async function () {
    if (process.platform !== 'linux') {
      return this.skip()
    }

    const { errors: logged, logger } = recordingLogger()
    const file = traceFile('/dev/full')
    const manager = createManager({}, { trace: [file], logger })
    const events = 100

    for (let i = 0; i < events; i++) {
      manager.openStream(peerA, 'inbound').done()
    }

    const error = await file.flush().then(() => undefined, err => err)
    const { dropped } = file

    expect(error).to.have.property('code', 'ENOSPC')
    expect(dropped).to.be.at.least(4 * events)

    // the next one is told, and then there is no trace any more
    expect(() => { manager.openStream(peerA, 'inbound').done() }).to.not.throw()
    expect(() => { manager.openStream(peerA, 'inbound').done() }).to.not.throw()
    expect(file.dropped).to.be.within(dropped + 1, dropped + 10)
    expect(manager.viewSystem(scope => scope.stat().numStreamsInbound)).to.equal(0)
    expect(logged.join('\n')).to.match(/ENOSPC|%e/)
    await manager.stop()
  })

  it('should have one event in each line, with the fields of go-libp2p', async () => {
    const recorder = new Recorder()
    const manager = createManager({ system: { conns: 1 }, peer: { [peerA.toString()]: { memory: 10 } } }, { trace: [traceFile(path), recorder] })
    const connection = manager.openConnection('inbound', true)
    const stream = manager.openStream(peerA, 'outbound')

    connection.setPeer(peerA)
    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    stream.beginSpan().reserveMemory(5, 203)
    expect(() => { stream.reserveMemory(6) }).to.throw()
    expect(() => manager.openConnection('inbound', true)).to.throw()
    stream.done()
    connection.done()
    await manager.stop()

    const lines = await read()

    expect(lines.map(({ Type }) => Type)).to.deep.equal(recorder.events.map(({ type }) => type))
    expect(lines.map(({ Name }) => Name)).to.deep.equal(recorder.events.map(({ name }) => name))

    for (const line of lines) {
      expect(EVENT_FIELDS).to.include.members(Object.keys(line))
      expect(SCOPE_FIELDS).to.include.members(Object.keys(line.Scope ?? {}))
      expect(new Date(line.Time).toISOString()).to.equal(line.Time)

      if (line.Type === 'create_scope') {
        expect(Object.keys(line.Limit)).to.deep.equal(LIMIT_FIELDS)
      }
    }

    expect(lines[0].Limit.System).to.include({ Conns: 1, Streams: 'unlimited', Memory: 'unlimited' })
    expect(lines[0].Limit.Peer[peerA.toString()]).to.have.property('Memory', '10')
    expect(lines.find(({ Type, Name }) => Type === 'add_conn' && Name === 'system')).to.include({ Delta: 1, DeltaIn: 1, ConnsIn: 1, FD: 1 })
    expect(lines.find(({ Type, Name }) => Type === 'reserve_memory' && Name === 'stream-1.span-1')).to.deep.include({
      Scope: { Class: 'stream', Stream: '1', Span: '1' },
      Priority: 203,
      Delta: 5,
      Memory: 5
    })
  })

  it('should have the fields of go-libp2p for what a real node does, and give what it holds when it is replayed', async () => {
    const nodes = new TestNodes()
    const recorder = new Recorder()
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      listener: { manager: { trace: [traceFile(path), recorder], services: { [SERVICE]: [PROTOCOL] }, sessions: { collectors: { [SERVICE]: {} } } } }
    })

    try {
      const inbox = await Inbox.of(listener, PROTOCOL)
      const connection = await dialer.dial(address)
      const stream = await connection.newStream(PROTOCOL)

      stream.send(new Uint8Array(1_000))
      await inbox.next()
      await eventuallyEqual(() => listener.services.resourceManager.sessions.collector('testService')?.sessions(), 1, 'the session')

      const held = listener.services.resourceManager.stat()
      const replayed = replay(recorder.events)

      expect(replayed.get('system')).to.deep.equal(held.system)
      expect(replayed.get(`protocol:${PROTOCOL}`)).to.deep.equal(held.protocols[PROTOCOL])
    } finally {
      await nodes.stop()
    }

    const lines = await read()
    const sessions = lines.filter(({ Type }) => Type.endsWith('_session'))

    for (const line of lines) {
      expect(EVENT_FIELDS).to.include.members(Object.keys(line))
      expect(sessions.includes(line) ? SESSION_FIELDS : SCOPE_FIELDS).to.include.members(Object.keys(line.Scope ?? {}))
    }

    expect(sessions.map(({ Type }) => Type)).to.deep.equal(['add_session', 'remove_session'])
    expect(sessions[1]).to.deep.include({ Name: 'collector:testService', DeltaIn: 1_000 })
    expect(sessions[1].Scope).to.include({ Class: 'session', Collector: 'testService', Reference: PROTOCOL, Peer: dialer.peerId.toString() })
    expect(replay(recorder.events).get('system')).to.deep.equal(NOTHING)
  })

  it('should be readable up to the last flush when the process crashes', async () => {
    const file = traceFile(path)

    file.consumeEvent(event(1))
    await file.flush()
    file.consumeEvent(event(2))

    // it is as it would be left behind now
    expect((await read()).map(({ Delta }) => Delta)).to.deep.equal([1])
    await file.stop()
    expect((await read()).map(({ Delta }) => Delta)).to.deep.equal([1, 2])
  })

  it('should keep what comes after it was stopped', async () => {
    const file = traceFile(path)

    file.consumeEvent(event(1))
    await file.stop()
    file.consumeEvent(event(2))
    await file.stop()
    await file.stop()

    expect((await read()).map(({ Delta }) => Delta)).to.deep.equal([1, 2])
  })

  it('should replace what was in the file', async () => {
    await writeFile(path, 'not gzip')
    const file = traceFile(path)

    file.consumeEvent(event(1))
    await file.stop()

    expect(await read()).to.have.lengthOf(1)
  })

  it('should keep the order where several flushes are under way', async () => {
    const file = traceFile(path)
    const flushes: Array<Promise<void>> = []

    for (let i = 1; i <= 3_000; i++) {
      file.consumeEvent(event(i))

      if (i % 1_000 === 0) {
        flushes.push(file.flush())
      }
    }

    await Promise.all(flushes)
    expect((await read()).map(({ Delta }) => Delta)).to.deep.equal(Array.from({ length: 3_000 }, (_, i) => i + 1))
  })

  it('should drop and count events when too many wait to be written', async () => {
    const file = traceFile(path, { maxPending: 2 })

    ;[1, 2, 3].forEach(delta => { file.consumeEvent(event(delta)) })
    expect(file.dropped).to.equal(1)

    // those that are being written take up room as well
    const flushed = file.flush()
    await Promise.resolve()
    ;[4, 5].forEach(delta => { file.consumeEvent(event(delta)) })
    expect(file.dropped).to.equal(3)

    await flushed
    file.consumeEvent(event(6))
    await file.stop()

    expect(file.dropped).to.equal(3)
    expect((await read()).map(({ Delta }) => Delta)).to.deep.equal([1, 2, 6])
  })

  it('should say that it cannot write, and be detached', async () => {
    const { logger, errors } = recordingLogger()
    const file = traceFile(join(directory, 'missing', 'trace.json.gz'))
    const manager = createManager({}, { logger, trace: [file] })

    await expect(file.flush()).to.eventually.be.rejected.with.property('code', 'ENOENT')
    manager.openStream(peerA, 'inbound').done()
    await manager.stop()

    expect(errors).to.have.lengthOf(1)
    await expect(file.flush()).to.eventually.be.rejected.with.property('code', 'ENOENT')
  })

  it('should refuse a path or a number that it cannot use', () => {
    expect(errorOf(() => traceFile(''))).to.have.property('name', 'InvalidParametersError')
    expect(errorOf(() => traceFile(undefined as any)).message).to.include('path')

    for (const maxPending of [0, -1, 1.5, NaN, '10'] as any[]) {
      expect(errorOf(() => traceFile('trace.json.gz', { maxPending })).message).to.include('maxPending')
    }
  })
})
