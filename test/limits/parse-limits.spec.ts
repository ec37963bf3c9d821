import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { parseLimits } from '../../src/limits/parse-limits.ts'
import { FILE } from '../../src/limits/spelling.ts'
import { PEER_A, partialLimits } from './arbitraries.ts'

const EXPECTED = 'expected a whole number, "unlimited", "blockAll" or "default"'
const EXPECTED_MEMORY = 'expected a whole number of bytes, a size such as "512MiB" or "1.5GB", a percentage such as "25%", "unlimited", "blockAll" or "default"'

function problemOf (value: unknown, ...rest: any[]): string {
  try {
    parseLimits(value, ...rest)
  } catch (err: any) {
    expect(err).to.have.property('name', 'InvalidParametersError')

    return err.message
  }

  throw new Error('nothing was thrown')
}

describe('parse limits', () => {
  it('should write every value in one way', () => {
    expect(parseLimits({
      system: { streams: 0, streamsInbound: -0, conns: 'blockAll', fd: 'default', connsInbound: undefined, memory: 5 },
      transient: { streams: Infinity, conns: 2 ** 53, fd: 'unlimited', memory: 2 ** 53 - 1 }
    })).to.deep.equal({
      system: { streams: 'blockAll', streamsInbound: 'blockAll', conns: 'blockAll', memory: 5 },
      transient: { streams: 'unlimited', conns: 'unlimited', fd: 'unlimited', memory: 2 ** 53 - 1 }
    })
  })

  it('should leave out what says nothing but keep names', () => {
    expect(parseLimits({
      system: undefined,
      transient: {},
      conn: { streams: 'default' },
      service: undefined,
      protocol: {},
      servicePeer: { a: {}, b: undefined, c: { streams: 'default' } }
    })).to.deep.equal({ servicePeer: { a: {}, c: {} } })
  })

  it('should not change what it was given', () => {
    fc.assert(fc.property(partialLimits, (config) => {
      const before = structuredClone(config)

      parseLimits(config)

      expect(config).to.deep.equal(before)
    }))
  })

  it('should give the same for its own result', () => {
    fc.assert(fc.property(partialLimits, (config) => {
      const parsed = parseLimits(config)

      expect(parseLimits(parsed)).to.deep.equal(parsed)
    }))
  })

  for (const value of [-1, -Infinity, NaN, 1.5, null, true, '5', 'Unlimited', '', [], {}, 5n, () => {}, Symbol('x')]) {
    it(`should refuse ${String(value)} (${typeof value}) as a limit`, () => {
      expect(problemOf({ system: { streamsInbound: value } })).to.include(`limits.system.streamsInbound: ${EXPECTED}, got `)
    })
  }

  for (const value of [null, 5, 'unlimited', [], new Map(), new Date(0)]) {
    it(`should refuse ${Object.prototype.toString.call(value)} where an object belongs`, () => {
      expect(problemOf(value)).to.include('limits: expected an object with limits, got')
      expect(problemOf({ system: value })).to.include('limits.system: expected an object with limits, got')
      expect(problemOf({ service: value })).to.include('limits.service: expected an object with limits by name, got')
      expect(problemOf({ service: { a: value } })).to.include('limits.service.a: expected an object with limits, got')
    })
  }

  it('should say what to write instead of a negative number', () => {
    expect(problemOf({ System: { Streams: -3 } }, FILE)).to.equal(`invalid limits: System.Streams: ${EXPECTED}, got -3 (write "unlimited" for no limit, "blockAll" for nothing at all)`)
  })

  it('should list every problem', () => {
    const message = problemOf({
      sistem: {},
      System: {},
      system: { streams: -5, stream: 1, StreamsInbound: 1 },
      service: { 'libp2p.identify': { memory: '1' } },
      peer: { nobody: {}, [PEER_A]: { fd: 0.5 } }
    })

    expect(message.split('\n')).to.have.lengthOf(9)
    expect(message).to.include('limits.sistem: unknown key (did you mean system?)')
    expect(message).to.include('limits.System: unknown key (did you mean system?)')
    expect(message).to.include('limits.system.streams: ')
    expect(message).to.include('limits.system.stream: unknown key (did you mean streams?)')
    expect(message).to.include('limits.system.StreamsInbound: unknown key (did you mean streamsInbound?)')
    expect(message).to.include('limits.service["libp2p.identify"].memory: ').and.to.include('got "1"')
    expect(message).to.include('limits.peer.nobody: expected a peer id as key, got "nobody"')
    expect(message).to.include(`limits.peer.${PEER_A}.fd: `)
  })

  it('should not repeat long values', () => {
    expect(problemOf({ system: { streams: 'x'.repeat(10_000) } })).to.have.property('length').that.is.below(300)
  })

  it('should look peers up by their usual form', () => {
    const cid = peerIdFromString(PEER_A).toCID().toString()

    expect(parseLimits({ peer: { [cid]: { conns: 1 } } })).to.deep.equal({ peer: { [PEER_A]: { conns: 1 } } })
    expect(problemOf({ peer: { [cid]: {}, [PEER_A]: {} } })).to.include('expected every peer once')
  })

  it('should treat names that are also members of objects as names', () => {
    const config = parseLimits(JSON.parse('{ "Service": { "__proto__": { "Conns": 1 }, "constructor": { "FD": 2 } } }'), FILE)

    expect(Object.keys(config.service ?? {})).to.deep.equal(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(config.service)).to.be.null()
    expect(({} as any).conns).to.be.undefined()
  })

  it('should accept the values of files', () => {
    expect(parseLimits({
      System: { Memory: '1073741824', FD: 5n, Streams: 4611686018427387903n },
      Transient: { Memory: '+5' },
      Conn: { Memory: '9223372036854775807' },
      Stream: { Memory: '0' }
    }, FILE)).to.deep.equal({
      system: { memory: 1073741824, fd: 5, streams: 'unlimited' },
      transient: { memory: 5 },
      conn: { memory: 'unlimited' },
      stream: { memory: 'blockAll' }
    })
  })

  for (const value of ['abc', '', ' 5', '5 ', '1e3', '0x10', '1.5', '-3', '--1']) {
    it(`should refuse "${value}" as the memory of a file`, () => {
      expect(problemOf({ System: { Memory: value } }, FILE)).to.include(`System.Memory: ${EXPECTED_MEMORY}, got ${JSON.stringify(value)}`)
    })
  }

  it('should accept the numbers that Go has for words, and numbers that are strings', () => {
    expect(parseLimits({ System: { Streams: '5', Conns: -1, FD: -2, Memory: '-1' } }, FILE)).to.deep.equal({
      system: { streams: 5, conns: 'unlimited', fd: 'blockAll', memory: 'unlimited' }
    })
    expect(problemOf({ System: { Streams: '5 ' } }, FILE)).to.include('System.Streams')
  })
})
