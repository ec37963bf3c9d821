import { expect } from 'aegir/chai'
import { createResourceManager } from '../../src/index.ts'
import { readMemory } from '../../src/limits/available-resources.ts'
import { build } from '../../src/limits/build-limits.ts'
import { checkLimits } from '../../src/limits/check-limits.ts'
import { deriveLimits } from '../../src/limits/derive-limits.ts'
import { InfiniteLimits } from '../../src/limits/infinite-limits.ts'
import { UNLIMITED } from '../../src/limits/limit.ts'
import { DEFAULT_MEMORY_SIZE, LIMIT_FACTOR, limitsFromTOML, systemMemory } from '../../src/limits/limits-toml.ts'
import { peerA } from '../scopes/fixtures.ts'
import { PEER_A } from './arbitraries.ts'
import type { StreamManagementScope } from '../../src/index.ts'

function errorOf (text: any): string {
  try {
    limitsFromTOML(text)
  } catch (err: any) {
    expect(err).to.have.property('name', 'InvalidParametersError')

    return err.message
  }

  throw new Error('nothing was thrown')
}

describe('limits as TOML', () => {
  it('should read the structure of JSON files', () => {
    expect(limitsFromTOML(`
      Stream = { Streams = 1 }

      [System]
      Streams = 0
      StreamsInbound = "unlimited"
      StreamsOutbound = "default"
      Conns = 9223372036854775807
      FD = inf
      Memory = "1073741824" # or a number

      [Service."libp2p.identify"]
      Memory = 4_194_304

      [Peer.${PEER_A}]
      ConnsInbound = "blockAll"
    `)).to.deep.equal({
      system: { streams: 'blockAll', streamsInbound: 'unlimited', conns: 'unlimited', fd: 'unlimited', memory: 1073741824 },
      service: { 'libp2p.identify': { memory: 4194304 } },
      peer: { [PEER_A]: { connsInbound: 'blockAll' } },
      stream: { streams: 1 }
    })
    expect(limitsFromTOML('')).to.deep.equal({})
  })

  it('should say where a text stops being TOML', () => {
    expect(errorOf('[System]\nStreams = 5\nStreams = 6')).to.match(/^invalid TOML: line 3, column 1: [^\n]+$/)
    expect(errorOf('[System')).to.match(/^invalid TOML: line 1, column \d+: [^\n]+$/)
  })

  it('should list every problem with its path', () => {
    const message = errorOf('System = 5\nConn = 1979-05-27\n[Transient]\nstream = 1\nFD = nan\nMemory = -3\nConns = 1.5\n[Peer.x]')

    expect(message.split('\n')).to.have.lengthOf(8)
    expect(message).to.match(/Conn: expected an object with limits, got a /)
    expect(message).to.include('Transient.FD: ').and.to.include('got NaN')
    expect(message).to.include('Peer.x: expected a peer id')
  })

  it('should hint at quotes around names with dots', () => {
    expect(errorOf('[Service.libp2p.identify]\nStreams = 1')).to.include('Service.libp2p.identify: unknown key (a name with dots is written in quotes, [Service."a.b"])')
  })

  it('should not be fooled by names that are members of objects', () => {
    expect(limitsFromTOML('[System]\n[Service.__proto__]\nFD = 1\n[Service.constructor]\nFD = 2')).to.have.property('service').with.keys('__proto__', 'constructor')
    expect(errorOf('[__proto__]\nSystemLimit = 1')).to.include('__proto__: unknown key (one of System, ')
  })

  it('should refuse what is not even text', () => {
    for (const text of [undefined, null, 5, {}]) {
      expect(errorOf(text)).to.include('invalid TOML')
    }
  })
})

describe('limits as TOML sections', () => {
  const defaults = deriveLimits({}, { memory: 2 ** 33, fds: 1000 })
  const text = `
    [SystemLimit]
    Conns = 128
    ConnsInbound = 64
    Memory = 1073741824

    [Service.chat]
    ConnsInbound = 32
    FD = 0

    [Service."libp2p.ping"]
    Memory = "5"
  `

  it('should limit the system, and leave what it says nothing about to the defaults', () => {
    expect(build(limitsFromTOML(text), defaults).system).to.deep.equal({ ...defaults.system, conns: 128, connsInbound: 64, memory: 1073741824 })
  })

  it('should have what is not below the system as large as it', () => {
    const limits = build(limitsFromTOML(text), defaults)

    expect(limits.allowlistedSystem).to.deep.equal({ ...defaults.allowlistedSystem, conns: 128, connsInbound: 64, memory: 1073741824 })

    for (const key of ['transient', 'allowlistedTransient'] as const) {
      expect(limits[key]).to.deep.equal({ ...UNLIMITED, conns: 128, connsInbound: 64, connsOutbound: 128, memory: 1073741824 })
    }
  })

  it('should limit services by their sections and by nothing else', () => {
    const { service } = build(limitsFromTOML(text), defaults)

    expect(service.chat).to.deep.equal({ ...UNLIMITED, connsInbound: 32, fd: 0 })
    expect(service['libp2p.ping']).to.deep.equal({ ...UNLIMITED, memory: 5 })
  })

  it('should limit everything without a section by the system only', () => {
    const limits = build(limitsFromTOML(text), defaults)

    for (const key of ['serviceDefault', 'servicePeerDefault', 'protocolDefault', 'protocolPeerDefault', 'peerDefault', 'conn', 'stream'] as const) {
      expect(limits[key], key).to.deep.equal(UNLIMITED)
    }

    for (const key of ['service', 'servicePeer', 'protocol', 'protocolPeer'] as const) {
      const names = Object.keys(defaults[key]).filter(name => name !== 'libp2p.ping')

      expect(names).to.not.be.empty()
      names.forEach(name => { expect(limits[key][name], name).to.deep.equal(UNLIMITED) })
    }
  })

  it('should have most of the memory that there is where it is not set', () => {
    const memory = systemMemory(readMemory())

    for (const text of ['[SystemLimit]', '[SystemLimit]\nMemory = "default"', '[SystemLimit]\nConns = 5\n[Service.chat]\nFD = 1']) {
      const limits = build(limitsFromTOML(text), defaults)

      for (const key of ['system', 'transient', 'allowlistedSystem', 'allowlistedTransient'] as const) {
        expect(limits[key].memory, text).to.equal(memory)
      }
    }

    expect(LIMIT_FACTOR).to.equal(0.85)
    expect(systemMemory(1000)).to.equal(850)
  })

  it('should have 8 MiB where nobody knows how much there is', () => {
    expect(DEFAULT_MEMORY_SIZE).to.equal(8 * 2 ** 20)
    // a page that does not tell, and a process that is not permitted to ask
    expect(systemMemory(undefined)).to.equal(DEFAULT_MEMORY_SIZE)
  })

  it('should mean the same where there are only services, and say so', () => {
    const notes: string[] = []
    const onNote = (note: string): void => { notes.push(note) }
    const services = '[Service.chat]\nConnsInbound = 32'

    expect(limitsFromTOML(services, { onNote })).to.deep.equal(limitsFromTOML(`[SystemLimit]\n${services}`, { onNote }))
    expect(notes).to.have.lengthOf(1)
    expect(notes[0]).to.include('limited by the system only').and.to.include('[System]')

    // the way out
    expect(limitsFromTOML(`[System]\n${services}`, { onNote })).to.deep.equal({ service: { chat: { connsInbound: 32 } } })
    expect(limitsFromTOML('Service = {}', { onNote })).to.deep.equal({})
    expect(notes).to.have.lengthOf(1)
    expect(limitsFromTOML('[Service.__proto__]\nFD = 1', { onNote }).service).to.have.property('__proto__').that.deep.includes({ fd: 1, conns: 'unlimited' })
  })

  it('should not contradict itself', () => {
    const limits = build(limitsFromTOML('[SystemLimit]\nStreams = 50\nStreamsInbound = 50\nStreamsOutbound = 50\nMemory = "1GiB"\n[Service.chat]\nStreams = 5\nConns = 1'), defaults)

    expect(limits.service.chat).to.deep.equal({ ...UNLIMITED, streams: 5, streamsInbound: 5, streamsOutbound: 5, conns: 1, connsInbound: 1, connsOutbound: 1 })
    expect(checkLimits(limits)).to.deep.equal(checkLimits(build({ system: limits.system }, InfiniteLimits)))
  })

  it('should let everything through up to the system', () => {
    const manager = createResourceManager({ limits: limitsFromTOML('[SystemLimit]\nStreams = 3\n[Service.chat]\nStreams = 1'), warnings: false })
    const open = (): StreamManagementScope => {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol('/chat/1')

      return stream
    }

    open().setService('chat')
    expect(() => { open().setService('chat') }).to.throw('service:chat')
    open().setService('other')
    expect(() => open()).to.throw('system: cannot reserve stream')
  })

  it('should list every problem', () => {
    expect(errorOf('Extra = 1\n[SystemLimit]\nconns = 1\nFD = -3\n[Service]\na = 5\n[Service.b]\nMemory = "x"')).to.match(/Extra: [^]*SystemLimit\.conns: [^]*SystemLimit\.FD: [^]*Service\.a: expected an object with limits, got 5[^]*Service\.b\.Memory: /)
    expect(errorOf('SystemLimit = 5')).to.include('SystemLimit: expected an object with limits, got 5')
    expect(errorOf('Service = 5\n[SystemLimit]')).to.include('Service: expected an object with limits by name, got 5')
    expect(errorOf('[SystemLimit]\n[Transient]\nFD = 5')).to.include('Transient: unknown key (one of SystemLimit, Service)')
  })
})
