import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { build, toPartialLimitConfig } from '../../src/limits/build-limits.ts'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { findJSONError } from '../../src/limits/json-error.ts'
import { limitsFromJSON, limitsToJSON } from '../../src/limits/limits-json.ts'
import { parseLimits } from '../../src/limits/parse-limits.ts'
import { PEER_A, PEER_B, concreteLimits, partialLimits } from './arbitraries.ts'

/** As go-libp2p writes it */
const FILE = `{
  "Service": {
    "10": {
      "FD": 1
    },
    "9": {},
    "a\\u003c\\u0026\\u003e": {
      "Streams": "blockAll",
      "StreamsInbound": "unlimited",
      "Memory": "4194304"
    }
  },
  "ProtocolPeer": {
    "/ipfs/id/1.0.0": {
      "Conns": 5
    }
  },
  "Peer": {
    "${PEER_A}": {
      "ConnsInbound": "blockAll"
    },
    "${PEER_B}": {
      "ConnsOutbound": "blockAll"
    }
  },
  "System": {
    "Streams": 1,
    "StreamsInbound": 2,
    "StreamsOutbound": 3,
    "Conns": 4,
    "ConnsInbound": 5,
    "ConnsOutbound": 6,
    "FD": 7,
    "Memory": "1073741824"
  },
  "PeerDefault": {
    "Memory": "unlimited"
  },
  "Conn": {
    "FD": "blockAll"
  }
}`

function errorOf (text: any): string {
  try {
    limitsFromJSON(text)
  } catch (err: any) {
    expect(err).to.have.property('name', 'InvalidParametersError')

    return err.message
  }

  throw new Error('nothing was thrown')
}

describe('limits as JSON', () => {
  it('should write the same file that was read', () => {
    expect(limitsToJSON(limitsFromJSON(FILE))).to.equal(FILE)
    expect(limitsToJSON(limitsFromJSON('{}'))).to.equal('{}')
  })

  it('should write the same file after it was built', () => {
    const defaults = DefaultLimits.scale({ memory: 2 ** 30, fds: 1000 })
    const file = limitsToJSON(toPartialLimitConfig(build(limitsFromJSON(FILE), defaults)))

    expect(limitsToJSON(build(limitsFromJSON(file), defaults))).to.equal(file)
  })

  it('should not lose anything', () => {
    fc.assert(fc.property(partialLimits, (config) => {
      expect(limitsFromJSON(limitsToJSON(config))).to.deep.equal(parseLimits(config))
    }))

    fc.assert(fc.property(concreteLimits, (config) => {
      expect(limitsFromJSON(limitsToJSON(config))).to.deep.equal(toPartialLimitConfig(config))
    }))
  })

  it('should not depend on the order of what it writes', () => {
    fc.assert(fc.property(partialLimits, (config) => {
      const reversed = Object.fromEntries(Object.entries(config).reverse())

      expect(limitsToJSON(reversed)).to.equal(limitsToJSON(config))
    }))
  })

  it('should leave out defaults', () => {
    expect(limitsToJSON({ system: { streams: 'default', fd: undefined }, transient: {}, service: {}, peer: undefined })).to.equal('{}')
  })

  it('should take 0 for blockAll', () => {
    expect(limitsFromJSON('{ "System": { "Streams": 0, "Memory": "0" } }')).to.deep.equal({ system: { streams: 'blockAll', memory: 'blockAll' } })
  })

  it('should take numbers that JavaScript cannot count to for unlimited', () => {
    const text = `{
      "System": { "Streams": 4611686018427387903, "Conns": 9223372036854775807, "FD": 9007199254740992, "ConnsInbound": 9007199254740991 },
      "Conn": { "Memory": "4611686018427387903" }
    }`

    expect(limitsFromJSON(text)).to.deep.equal({
      system: { streams: 'unlimited', conns: 'unlimited', fd: 'unlimited', connsInbound: 9007199254740991 },
      conn: { memory: 'unlimited' }
    })
  })

  it('should list every problem with its path in the file', () => {
    const message = errorOf('{ "System": { "StreamsInbound": -5, "stream": 1 }, "Peer": { "x": { "FD": 1.5 } }, "Swarm": 1, "Conn": [] }')

    expect(message.split('\n')).to.have.lengthOf(7)
    expect(message).to.include('System.StreamsInbound: expected a whole number, "unlimited", "blockAll" or "default", got -5')
    expect(message).to.include('System.stream: unknown key (did you mean Streams?)')
    expect(message).to.include('Peer.x: expected a peer id')
    expect(message).to.include('Peer.x.FD: ')
    expect(message).to.include('Swarm: unknown key (one of System, ')
    expect(message).to.include('Conn: expected an object with limits, got an array')
  })

  it('should say where a text stops being JSON', () => {
    expect(errorOf('{\n  "System": {\n    "Streams": 5,\n  }\n}')).to.equal('invalid JSON: line 4, column 3: expected a key in double quotes, got "}"')
    expect(errorOf('')).to.equal('invalid JSON: line 1, column 1: expected a value, got the end of the text')
    expect(errorOf('{ "System": unlimited }')).to.equal('invalid JSON: line 1, column 13: expected a value, got "unlimited"')
  })

  it('should refuse what is not even text', () => {
    for (const text of [undefined, null, 5, {}, new Uint8Array()]) {
      expect(errorOf(text)).to.match(/^invalid (JSON|limits): /)
    }
  })

  it('should refuse to write bad limits', () => {
    expect(() => limitsToJSON({ system: { streams: -1 } })).to.throw().with.property('name', 'InvalidParametersError')
  })
})

describe('find JSON error', () => {
  const cases: Array<[text: string, line: number, column: number, expected: string, got: string]> = [
    ['{', 1, 2, 'a key in double quotes or "}"', ''],
    ['{"a" 1}', 1, 6, '":"', '1'],
    ['{"a":}', 1, 6, 'a value', '}'],
    ['{"a":1 "b"', 1, 8, '"," or "}"', '"'],
    ['[1 2]', 1, 4, '"," or "]"', '2'],
    ['[1,]', 1, 4, 'a value', ']'],
    ['[', 1, 2, 'a value or "]"', ''],
    ['[}', 1, 2, 'a value or "]"', '}'],
    ['{} x', 1, 4, 'the end', 'x'],
    ['01', 1, 2, 'the end', '1'],
    ['\r\n\t "a\n"', 2, 3, 'a value', '"'],
    ["{'a':1}", 1, 2, 'a key in double quotes or "}"', "'a'"],
    ['// x', 1, 1, 'a value', '/'],
    ['\uFEFF{}', 1, 1, 'a value', '\uFEFF']
  ]

  for (const [text, line, column, expected, got] of cases) {
    it(`should find the error of ${JSON.stringify(text)}`, () => {
      expect(findJSONError(text)).to.deep.equal({ line, column, expected, got })
    })
  }

  it('should agree with JSON.parse about what is JSON', () => {
    const damaged = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', ',', '}', ']', '{', '[', ':', '\\', '0', '-', 'e', '.', ' ', '\n', 'n', '\u0000')).map(([text, position, char]) => {
      const at = position % (text.length + 1)

      return text.slice(0, at) + char + text.slice(at + (char === '' ? 1 : 0))
    })

    fc.assert(fc.property(damaged, (text) => {
      let valid = true

      try {
        JSON.parse(text)
      } catch {
        valid = false
      }

      expect(findJSONError(text) == null, text).to.equal(valid)
    }), { numRuns: 1000 })
  })

  it('should cope with deep nesting', () => {
    expect(findJSONError('['.repeat(100_000))).to.have.property('column', 100_001)
    expect(findJSONError('['.repeat(100_000) + ']'.repeat(100_000))).to.be.undefined()
  })
})
