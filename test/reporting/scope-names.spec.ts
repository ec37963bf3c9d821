import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { isConnScope, isSpan, isStreamScope, isSystemScope, isTransientScope, parseProtocolScopeName, parseScopeName, peerStrInScopeName } from '../../src/scope-names.ts'
import { createManager, peerA } from '../scopes/fixtures.ts'
import type { ResourceScope, TraceScope } from '../../src/index.ts'
import type { ParsedScopeName } from '../../src/scope-names.ts'
import type { PeerId } from '@libp2p/interface'

const PEER = peerA.toString()

/**
 * What go-libp2p's functions of the same names answer: whether it is the scope of the
 * system, transient, a connection or a stream, whether it is a span, and the protocol and
 * the peer in it
 */
const ANSWERS: Array<[name: string, kind: '' | 'system' | 'transient' | 'conn' | 'stream', span: boolean, protocol: string, peer: string]> = [
  ['system', 'system', false, '', ''],
  ['system.span-1', '', true, '', ''],
  ['transient', 'transient', false, '', ''],
  ['transient.span-1', '', true, '', ''],
  ['allowlistedSystem', '', false, '', ''],
  ['allowlistedTransient', '', false, '', ''],
  ['conn-12', 'conn', false, '', ''],
  ['conn-12.span-1', '', true, '', ''],
  ['stream-7', 'stream', false, '', ''],
  ['stream-7.span-1.span-2', '', true, '', ''],
  ['service:libp2p.identify', '', false, '', ''],
  [`service:libp2p.identify.peer:${PEER}`, '', false, '', ''],
  ['protocol:/ipfs/id/1.0.0', '', false, '/ipfs/id/1.0.0', ''],
  ['protocol:/a:b/1.0.0', '', false, '/a:b/1.0.0', ''],
  ['protocol:', '', false, '', ''],
  [`protocol:/ipfs/id/1.0.0.peer:${PEER}`, '', false, '', ''],
  ['protocol:/ipfs/id/1.0.0.span-3', '', true, '', ''],
  [`peer:${PEER}`, '', false, '', PEER],
  [`peer:${PEER}.span-1`, '', true, '', ''],
  ['', '', false, '', '']
]

describe('names of scopes', () => {
  for (const [name, kind, span, protocol, peer] of ANSWERS) {
    it(`should be understood as go-libp2p does: ${name}`, () => {
      expect(isSystemScope(name), 'system').to.equal(kind === 'system')
      expect(isTransientScope(name), 'transient').to.equal(kind === 'transient')
      expect(isConnScope(name), 'conn').to.equal(kind === 'conn')
      expect(isStreamScope(name), 'stream').to.equal(kind === 'stream')
      expect(isSpan(name), 'span').to.equal(span)
      expect(parseProtocolScopeName(name), 'protocol').to.equal(protocol)
      expect(peerStrInScopeName(name), 'peer').to.equal(peer)
    })
  }

  for (const name of ['', 'System', 'system.', 'span-1', '.span-1', 'conn-', 'conn-x', 'stream-1.5', 'peers:a', 'toString']) {
    it(`should be those of scopes: ${JSON.stringify(name)}`, () => {
      expect(parseScopeName(name)).to.equal(undefined)
    })
  }

  it('should tell the peer of a share from what looks like it', () => {
    expect(parseScopeName(`protocol:/a.peer:b/1.0.0.peer:${PEER}`)).to.deep.equal({ kind: 'protocolPeer', protocol: '/a.peer:b/1.0.0', peer: PEER, isSpan: false })
    expect(parseScopeName('protocol:/a.peer:b/1.0.0')).to.deep.equal({ kind: 'protocol', protocol: '/a.peer:b/1.0.0', isSpan: false })
    expect(parseScopeName('protocol:/a.span-1/1.0.0.span-2')).to.deep.equal({ kind: 'protocol', protocol: '/a.span-1/1.0.0', isSpan: true })
  })

  describe('that the graph makes', () => {
    // dots, colons, what looks like other names, and line breaks, which a remote can send
    const part = fc.oneof(fc.constantFrom('/', '.', ':', 'peer:', '.peer:', '.span-', 'service:', 'protocol:', '1.0.0', '*', '\n', '🦀', 'a'), fc.string({ unit: 'binary', maxLength: 5 }))
    const text = fc.array(part, { minLength: 1, maxLength: 6 }).map(parts => parts.join(''))
      // see the documentation of parseScopeName
      .filter(name => name !== '' && !/(?:\.span-\d+|\.peer:[0-9A-Za-z]+)$/.test(name))

    let peers: PeerId[]

    before(async () => {
      peers = await Promise.all((['Ed25519', 'secp256k1'] as const).map(async type => peerIdFromPrivateKey(await generateKeyPair(type))))
    })

    /**
     * What a trace says of a scope, beside its name
     */
    function expected ({ class: kind, conn, span, stream, ...keys }: TraceScope): ParsedScopeName {
      const number = conn ?? stream

      return {
        kind: kind.replace(/-(.)/, (_, letter: string) => letter.toUpperCase()) as ParsedScopeName['kind'],
        ...keys,
        ...(number === undefined ? {} : { number: Number(number) }),
        isSpan: span !== undefined
      }
    }

    it('should all be understood', () => {
      fc.assert(fc.property(text, text, fc.nat({ max: 1 }), (service, protocol, which) => {
        const scopes = new Map<string, TraceScope>()
        const manager = createManager({}, {
          trace: [{ consumeEvent: ({ name, scope }) => { scopes.set(name ?? '', scope as TraceScope) } }]
        })
        const peer = peers[which]
        const stream = manager.openStream(peer, 'inbound')
        const hold = (scope: ResourceScope): void => { scope.beginSpan().beginSpan().reserveMemory(1) }

        stream.setProtocol(protocol)
        stream.setService(service)
        hold(manager.openConnection('inbound', false))
        hold(stream)
        hold(manager.openService(service))
        manager.viewSystem(hold)
        manager.viewTransient(hold)
        manager.viewService(service, hold)
        manager.viewProtocol(protocol, hold)
        manager.viewPeer(peer, hold)
        scopes.delete('')

        const kinds = new Set<string>()

        for (const [name, scope] of scopes) {
          expect(parseScopeName(name), JSON.stringify(name)).to.deep.equal(expected(scope))
          kinds.add(scope.class)
        }

        expect(kinds).to.have.all.keys('system', 'transient', 'service', 'service-peer', 'protocol', 'protocol-peer', 'peer', 'conn', 'stream', 'allowlistedSystem', 'allowlistedTransient')
      }), { numRuns: 50 })
    })

    it('should be understood in errors', () => {
      const manager = createManager({ protocolPeerDefault: { streamsInbound: 0 } })
      const stream = manager.openStream(peerA, 'inbound')
      let scope = ''

      try {
        stream.setProtocol('/a.b:c/1.0.0')
      } catch (err: any) {
        scope = err.scope
      }

      expect(parseScopeName(scope)).to.deep.equal({ kind: 'protocolPeer', protocol: '/a.b:c/1.0.0', peer: PEER, isSpan: false })
    })
  })
})
