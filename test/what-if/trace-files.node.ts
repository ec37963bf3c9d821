import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'aegir/chai'
import { traceToJSON } from '../../src/reporting/trace-json.ts'
import { replayTrace } from '../../src/what-if/replay-trace.ts'
import { tracedManager } from '../reporting/fixtures.ts'
import { peerA, PROTOCOL } from '../scopes/fixtures.ts'
import { bytesOf } from './fixtures.ts'
import type { ReplayReport } from '../../src/node.ts'

// what may be wrong with a trace file, whoever has written it

const MIB = 2 ** 20

function trace (streams = 3): string {
  const { events, manager } = tracedManager()

  for (let i = 0; i < streams; i++) {
    manager.openStream(peerA, 'inbound').setProtocol(PROTOCOL)
  }

  return `${events.map(traceToJSON).join('\n')}\n`
}

async function replay (bytes: string | Uint8Array, size?: number): Promise<ReplayReport> {
  return replayTrace(bytesOf(bytes, size), { limits: 'unlimited' })
}

describe('trace files', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trace-files-'))
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  for (const size of [1, 7, 64 * 1024]) {
    it(`should be read in pieces of ${size} bytes, packed and not`, async () => {
      const text = trace()

      for (const bytes of [text, gzipSync(text), Buffer.concat([gzipSync(text.slice(0, 500)), gzipSync(text.slice(500))])]) {
        const report = await replay(bytes, size)

        expect(report.open.system.numStreamsInbound).to.equal(3)
        expect(report).to.include({ skipped: 0, incomplete: undefined })
      }
    })
  }

  it('should be read up to where they end in the middle, which is said', async () => {
    const packed = gzipSync(trace(2_000))
    const report = await replay(packed.subarray(0, packed.byteLength - 100))

    expect(report.incomplete).to.equal('the file ends in the middle')
    expect(report.events).to.be.above(100)
  })

  it('should be read up to where they are damaged, which is said', async () => {
    const first = gzipSync(trace(500))
    const packed = Buffer.concat([first, gzipSync(trace(10))])

    packed.fill(0xff, first.byteLength + 30, first.byteLength + 60)

    const report = await replay(packed)

    expect(report.incomplete).to.match(/^the file is damaged after \d+ bytes/)
    // but for some that had not been unpacked yet
    expect(report.open.system.numStreamsInbound).to.be.within(450, 500)
  })

  it('should have what is no event skipped and counted', async () => {
    const [first, ...rest] = trace().trim().split('\n')
    const foreign = ['{', '[]', 'null', '{"Type":"explode"}', '{"Type":"add_stream","Name":"system","DeltaIn":1e300}', '{"Type":"add_stream","Time":"never","Name":"system"}', '{"Type":"add_stream","Name":"system","StreamsIn":-1,"Time":"2026-01-01"}', '"']
    const report = await replay([first, ...foreign, ...rest, '{"Type":"add_str'].join('\r\n'))

    expect(report.skipped).to.equal(foreign.length + 1)
    expect(report.open.system.numStreamsInbound).to.equal(3)
  })

  it('should be refused where they are something else, and where there is nothing', async () => {
    await expect(replay('hello\n'.repeat(200))).to.eventually.be.rejectedWith('the first 100 lines are no events').with.property('name', 'InvalidParametersError')
    await expect(replay('hello\n')).to.eventually.be.rejectedWith('expected a trace, got no event')
    await expect(replay('')).to.eventually.be.rejectedWith('expected a trace, got nothing')
    await expect(replay(gzipSync(''))).to.eventually.be.rejectedWith('expected a trace, got no event')
    await expect(replay(gzipSync(trace()).subarray(0, 5))).to.eventually.be.rejectedWith('the file ends in the middle')
    await expect(replayTrace(join(directory, 'missing'))).to.eventually.be.rejected.with.property('code', 'ENOENT')
    await expect(replayTrace(directory)).to.eventually.be.rejected.with.property('code', 'EISDIR')
    await expect(replayTrace(7 as any)).to.eventually.be.rejectedWith('source: expected').with.property('name', 'InvalidParametersError')
  })

  it('should have lines without an end skipped, in little memory', async function () {
    this.timeout(120_000)

    const line = Buffer.alloc(MIB, 'x')

    async function * endless (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(trace())

      for (let i = 0; i < 64; i++) {
        yield line
      }

      yield Buffer.from(`\n${trace().split('\n').slice(1).join('\n').replaceAll('stream-', 'stream-9')}`)
    }

    const report = await replayTrace(endless(), { limits: 'unlimited' })

    expect(report.skipped).to.equal(1)
    expect(report.open.system.numStreamsInbound).to.equal(6)
  })

  it('should be refused where they are made to be large when they are unpacked', async function () {
    this.timeout(120_000)

    const bomb = gzipSync(Buffer.concat([Buffer.from(trace()), Buffer.alloc(20 * MIB, '\n')]))

    expect(bomb.byteLength).to.be.below(MIB)
    await expect(replay(bomb, 1_000)).to.eventually.be.rejectedWith('more than 400 times as large').with.property('name', 'InvalidParametersError')
  })

  it('should not make more scopes than a node can have', async function () {
    this.timeout(240_000)

    async function * flood (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 260_000; i += 1_000) {
        yield Buffer.from(Array.from({ length: 1_000 }, (_, k) => `{"Time":"2026-01-01","Type":"create_scope","Name":"conn-${i + k}","Scope":{"Class":"conn"}}\n`).join(''))
      }
    }

    await expect(replayTrace(flood(), { limits: 'unlimited' })).to.eventually.be.rejectedWith('more than 250000').with.property('name', 'InvalidParametersError')
  })

  /** Nothing but additions: none of what is added has begun, and nothing ends */
  async function * additions (count: number, event: (i: number) => object, first = ''): AsyncGenerator<Uint8Array> {
    yield Buffer.from(first)

    for (let i = 0; i < count; i += 1_000) {
      yield Buffer.from(Array.from({ length: 1_000 }, (_, k) => `${JSON.stringify({ Time: '2026-01-01', Type: 'add_conn', DeltaIn: 1, ConnsIn: 1, ...event(i + k) })}\n`).join(''))
    }
  }

  const FLOODS: Record<string, (i: number) => object> = {
    connections: i => ({ Name: `conn-${i}`, Scope: { Class: 'conn' } }),
    peers: i => ({ Name: `peer:p${i}`, Scope: { Class: 'peer', Peer: `p${i}` } }),
    'connections of peers': i => ({ Name: `peer:p${i}`, Scope: { Class: 'peer', Peer: `p${i}` }, Of: `conn-${i}` }),
    protocols: i => ({ Name: `protocol:/p/${i}`, Scope: { Class: 'protocol', Protocol: `/p/${i}` }, Of: `stream-${i}` })
  }

  for (const [name, event] of Object.entries(FLOODS)) {
    it(`should not make more of ${name} that were only added`, async function () {
      this.timeout(240_000)

      const report = await replayTrace(additions(260_000, event), { limits: 'unlimited' })

      expect(report.events).to.equal(260_000)
      expect(report.open.system.numConnsInbound).to.equal(0)
      expect(Object.keys(report.open.peers)).to.have.lengthOf(0)
      expect(JSON.stringify(report).length).to.be.below(MIB)
    })
  }

  it('should not make more connections than a node can have of a trace of go-libp2p', async function () {
    this.timeout(240_000)

    // it does not say because of what the system scope has changed
    const first = '{"Time":"2026-01-01","Type":"add_conn","Name":"system","Scope":{"Class":"system"},"DeltaIn":1,"ConnsIn":1}\n'

    await expect(replayTrace(additions(260_000, FLOODS.connections, first), { limits: 'unlimited' })).to.eventually.be.rejectedWith('more than 250000').with.property('name', 'InvalidParametersError')
  })

  it('should be read up to where they ended when the reading began, while they go on being written', async () => {
    const path = join(directory, 'trace.json')

    await writeFile(path, trace())

    const seen: number[] = []
    const report = await replayTrace(path, {
      limits: 'unlimited',
      onProgress: ({ bytes, total }) => {
        seen.push(bytes)
        expect(bytes).to.be.at.most(total as number)
      }
    })

    expect(report.open.system.numStreamsInbound).to.equal(3)
    expect(seen).to.have.lengthOf.above(0)
  })

  it('should be given up where they become shorter, or the reader is called off, without an error of their own', async () => {
    const path = join(directory, 'trace.json')
    const controller = new AbortController()

    await writeFile(path, trace(5_000))
    await expect(replayTrace(path, { signal: controller.signal, onProgress: () => { controller.abort(new Error('enough')) } })).to.eventually.be.rejected()

    let shortened: Promise<void> | undefined
    const report = await replayTrace(path, { limits: 'unlimited', onProgress: () => { shortened ??= truncate(path, 10) } })

    await shortened
    expect(report.events).to.be.above(0)
    expect(await readdir(directory)).to.deep.equal(['trace.json'])
  })

  it('should not be able to do anything by the names in them', async () => {
    const names = ['__proto__', 'constructor', '/x"><script>', '\u001b[2J', 'a'.repeat(10_000)]
    const { events, manager } = tracedManager()

    for (const name of names) {
      const stream = manager.openStream(peerA, 'inbound')
      stream.setProtocol(name)
      stream.setService(name)
    }

    const report = await replay(events.map(traceToJSON).join('\n'))

    expect(report.open.system.numStreamsInbound).to.equal(names.length)
    expect(Object.keys(report.open.protocols)).to.have.members(names)
    expect(report.usage.filter(({ field, kind }) => kind === 'protocol' && field === 'streams').map(({ group }) => group)).to.have.members(names)
  })
})
