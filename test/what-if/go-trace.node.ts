import { expect } from 'aegir/chai'
import { replayTrace } from '../../src/what-if/replay-trace.ts'
import { bytesOf } from './fixtures.ts'

// traces of go-libp2p do not say because of what a scope has changed. These are made after
// p2p/host/resource-manager/trace.go: a scope is told after those above it.

const LIMIT = { Streams: 9, StreamsInbound: 9, StreamsOutbound: 9, Conns: 9, ConnsInbound: 9, ConnsOutbound: 9, FD: 9, Memory: 1024 }

class GoTrace {
  readonly lines: string[] = []
  readonly #held = new Map<string, { streams: number, conns: number, memory: number }>()

  constructor () {
    this.#push({ Type: 'start', Limit: {} })
    ;['system', 'transient', 'allowlistedSystem', 'allowlistedTransient'].forEach(name => { this.create(name) })
  }

  get text (): string {
    return this.lines.join('\n')
  }

  create (name: string): void {
    if (!this.#held.has(name)) {
      this.#held.set(name, { streams: 0, conns: 0, memory: 0 })
      this.#push({ Type: 'create_scope', Name: name, Limit: LIMIT })
    }
  }

  change (kind: 'stream' | 'conn', sign: 1 | -1, ...names: string[]): void {
    for (const name of names) {
      const held = this.#held.get(name) ?? { streams: 0, conns: 0, memory: 0 }

      held[`${kind}s`] += sign

      const counts = kind === 'stream' ? { StreamsIn: held.streams } : { Delta: sign, ConnsIn: held.conns, FD: held.conns }

      this.#push({ Type: `${sign > 0 ? 'add' : 'remove'}_${kind}`, Name: name, DeltaIn: sign, ...counts })
    }
  }

  memory (size: number, ...names: string[]): void {
    for (const name of names) {
      const held = this.#held.get(name) as { memory: number }

      held.memory += size
      this.#push({ Type: size > 0 ? 'reserve_memory' : 'release_memory', Name: name, Priority: size > 0 ? 255 : undefined, Delta: size, Memory: held.memory })
    }
  }

  blockStream (name: string): void {
    this.#push({ Type: 'block_add_stream', Name: name, DeltaIn: 1, StreamsIn: this.#held.get(name)?.streams })
  }

  destroy (name: string): void {
    this.#push({ Type: 'destroy_scope', Name: name })
  }

  openConnection (name: string, peer: string): void {
    this.create(name)
    this.change('conn', 1, 'transient', 'system', name)
    this.create(`peer:${peer}`)
    this.change('conn', 1, `peer:${peer}`)
    this.change('conn', -1, 'transient')
  }

  openStream (name: string, peer: string): void {
    this.create(`peer:${peer}`)
    this.create(name)
    this.change('stream', 1, `peer:${peer}`, 'transient', 'system', name)
  }

  setProtocol (protocol: string, peer: string): void {
    this.create(`protocol:${protocol}`)
    this.create(`protocol:${protocol}.peer:${peer}`)
    this.change('stream', 1, `protocol:${protocol}`, `protocol:${protocol}.peer:${peer}`)
    this.change('stream', -1, 'transient')
  }

  closeStream (name: string, peer: string, protocol?: string): void {
    this.change('stream', -1, `peer:${peer}`, ...protocol === undefined ? ['transient'] : [`protocol:${protocol}.peer:${peer}`, `protocol:${protocol}`], 'system')
    this.destroy(name)
  }

  #push (event: object): void {
    this.lines.push(JSON.stringify({ Time: `2026-01-01T00:00:00.${String(this.lines.length).padStart(9, '0')}+01:00`, ...event }))
  }
}

describe('traces of go-libp2p', () => {
  it('should be replayed, with who changed a scope inferred', async () => {
    const trace = new GoTrace()

    trace.openConnection('conn-1', 'QmA')
    trace.openStream('stream-1', 'QmA')
    trace.openStream('stream-2', 'QmA')
    trace.setProtocol('/a', 'QmA')
    trace.openStream('stream-3', 'QmB')
    trace.memory(100, 'peer:QmB', 'transient', 'system', 'stream-3')

    const report = await replayTrace(bytesOf(trace.text), { limits: 'unlimited' })

    expect(report).to.include({ exact: false, skipped: 0, refused: 0, recorded: 0, events: trace.lines.length })
    expect(report.open.system).to.include({ numStreamsInbound: 3, numConnsInbound: 1, numFD: 1, memory: 100 })
    expect(report.open.transient).to.include({ numStreamsInbound: 2, numConnsInbound: 0 })
    expect(report.open.protocols['/a']).to.include({ numStreamsInbound: 1 })
    expect(report.open.peers.QmA).to.include({ numStreamsInbound: 2, numConnsInbound: 1 })
    expect(report.usage.find(({ field, kind }) => kind === 'system' && field === 'streams')).to.include({ peak: 3 })
  })

  it('should end with nothing where all was closed, even where streams were taken for each other', async () => {
    const trace = new GoTrace()

    trace.openStream('stream-1', 'QmA')
    trace.openStream('stream-2', 'QmA')
    // it was the second one
    trace.setProtocol('/a', 'QmA')
    trace.closeStream('stream-1', 'QmA')

    const half = await replayTrace(bytesOf(trace.text), { limits: 'unlimited' })

    expect(half.open.protocols['/a']).to.include({ numStreamsInbound: 1 })
    expect(half.open.transient).to.include({ numStreamsInbound: 0 })

    trace.closeStream('stream-2', 'QmA', '/a')

    const report = await replayTrace(bytesOf(trace.text), { limits: 'unlimited' })

    expect(report.open.system.numStreamsInbound).to.equal(0)
  })

  it('should say what other limits would have refused', async () => {
    const trace = new GoTrace()

    for (let i = 1; i <= 4; i++) {
      trace.openStream(`stream-${i}`, 'QmA')
    }

    const report = await replayTrace(bytesOf(trace.text), { limits: { peerDefault: { streamsInbound: 3 } } })

    expect(report.refusals).to.have.lengthOf(1)
    expect(report.refusals[0]).to.include({ scope: 'peer:QmA', count: 1, setting: 'PeerDefault.StreamsInbound' })
  })

  it('should say whether what was refused still would be, by what the scope held', async () => {
    const trace = new GoTrace()

    trace.openStream('stream-1', 'QmA')
    trace.create('stream-2')
    trace.change('stream', 1, 'peer:QmA')
    trace.blockStream('transient')
    trace.change('stream', -1, 'peer:QmA')
    trace.destroy('stream-2')

    expect(await replayTrace(bytesOf(trace.text), { limits: { transient: { streamsInbound: 1 } } })).to.include({ recorded: 1, admitted: 0, refused: 1 })
    expect(await replayTrace(bytesOf(trace.text), { limits: { transient: { streamsInbound: 2 } } })).to.include({ recorded: 1, admitted: 1, refused: 0 })
  })
})
