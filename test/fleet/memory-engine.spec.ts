import { expect } from 'aegir/chai'
import { ClusterEngine } from '../../src/fleet/cluster-engine.ts'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { MemoryRates } from '../../src/fleet/memory-rates.ts'
import { KEEP, LAYOUT_VERSION, MAX_AMOUNT } from '../../src/fleet/protocol.ts'
import type { NodeRates } from '../../src/fleet/memory-rates.ts'
import type { SyncRequest } from '../../src/fleet/protocol.ts'
import type { RatesRequest, TokenRequest } from '../../src/fleet/rates-protocol.ts'

const TTL = 1_000

function syncOf (id: string, seq: number): string {
  return JSON.stringify({ id, seq, ttl: TTL, policy: 0, sum: '', gone: [], scopes: [] })
}

function ratesOf (seq: number, tokens: TokenRequest[]): RatesRequest {
  return { id: 'a', seq, ttl: TTL, policy: 0, tokens, shares: [], gone: [], groups: [] }
}

/** What has used a token of a bucket that it did not have */
function debtOf (name: string, seq: number, interval = 10): TokenRequest {
  return [name, interval, 8, 0, 0, 0, 0, 1, seq]
}

describe('fleet/memory-engine', () => {
  it('should keep no buckets that have ended, however many there have been', () => {
    const rates = new MemoryRates()
    const own: NodeRates = { seq: 0, shares: new Map() }
    let now = 0
    const run = (...tokens: TokenRequest[]): void => {
      const { status } = rates.run(ratesOf(own.seq + 1, tokens), { now, quiet: false, policy: 0, nodes: new Map([['a', own]]) })

      expect(status).to.equal('ok')
    }

    for (let i = 0; i < 10_000; i++) {
      // three of them are there at a time
      now += TTL / 3
      run(debtOf(`subnet:${i}`, i + 1))
      expect(rates.size).to.be.at.most(12)
    }

    run(debtOf('slow', own.seq + 1, 1e12))
    now += KEEP - 1
    run()
    expect(rates.isEmpty(now)).to.equal(false)
    now++
    expect(rates.isEmpty(now)).to.equal(true)
    expect(rates.size).to.equal(0)
  })

  for (const isFirst of [true, false]) {
    it(`should keep no fleets of which there is nothing to know, in an engine that was ${isFirst ? '' : 'not '}the first`, () => {
      let now = 1
      const engine = new MemoryEngine(() => {}, () => now, isFirst)
      const read = (): string => engine.run('read', 'nobody', ['nodes'])

      for (let i = 0; i < 100; i++) {
        expect(JSON.parse(engine.run('read', `read-${i}`, ['nodes']))).to.deep.equal({ status: 'ok', now, policy: 0, text: '', nodes: [] })
        expect(JSON.parse(engine.run('leave', `leave-${i}`, ['a']))).to.deep.equal({ status: 'ok' })
        expect(JSON.parse(engine.run('rates', `rates-${i}`, [JSON.stringify(ratesOf(1, []))]))).to.deep.equal({ status: 'absent' })
        expect(JSON.parse(engine.run('decide', `decide-${i}`, [JSON.stringify({ policy: 1, next: 2, text: '' })]))).to.deep.equal({ status: 'conflict', policy: 0 })
      }

      expect(engine.size).to.equal(0)

      for (let i = 0; i < 100; i++) {
        engine.run('sync', `left-${i}`, [syncOf('a', 1)])
        engine.run('leave', `left-${i}`, ['a'])
      }

      engine.run('sync', 'joined', [syncOf('a', 1)])
      engine.run('decide', 'decided', [JSON.stringify({ policy: 0, next: 1, text: '{}' })])
      engine.run('sync', 'indebted', [syncOf('a', 1)])
      engine.run('rates', 'indebted', [JSON.stringify(ratesOf(1, [debtOf('global', 1, 10 * TTL)]))])
      engine.run('leave', 'indebted', ['a'])

      for (let i = 0; i < 200; i++) {
        read()
      }

      expect(engine.size).to.equal(3)
      expect(JSON.parse(engine.run('read', 'decided', ['']))).to.include({ policy: 1, text: '{}' })
      // a tenth of the debt is left
      now += 9 * TTL
      engine.run('sync', 'indebted', [syncOf('b', 1)])
      now += TTL / 2
      expect(JSON.parse(engine.run('rates', 'indebted', [JSON.stringify({ ...ratesOf(1, [['global', 10 * TTL, 8, 0, 0, 0, 0, 0, 0]]), id: 'b' })])).tokens[0][1]).to.be.closeTo(0.05, 1e-6)
    })
  }

  it('should have the debts of a call that it did not count when it counts the next one', () => {
    const rates = new MemoryRates()
    const own: NodeRates = { seq: 0, shares: new Map() }
    const context = { now: 0, quiet: false, policy: 1, nodes: new Map([['a', own]]) }

    expect(rates.run(ratesOf(1, [debtOf('global', 1)]), context).status).to.equal('policy')
    expect(rates.run({ ...ratesOf(2, [debtOf('global', 1)]), policy: 1 }, context).tokens).to.deep.equal([[0, 1]])
    // and once
    expect(rates.run({ ...ratesOf(3, [debtOf('global', 1)]), policy: 1 }, context).tokens).to.deep.equal([[0, 1]])
  })

  it('should forget what a call that came late has leased for a node that had given it back', () => {
    let now = 0
    const engine = new MemoryEngine(() => {}, () => now, true)
    const again: unknown[] = []
    const sync = (request: Partial<SyncRequest>): string => {
      const answer = JSON.parse(engine.run('sync', 'fleet', [JSON.stringify({ ...JSON.parse(syncOf('a', 0)), ...request })]))

      again.push(answer.again)

      return answer.status
    }
    const first: Partial<SyncRequest> = { seq: 1, acked: 0, scopes: [['peer:a', [[0, 20, 0, 1, 2]]]] }

    expect(sync(first)).to.equal('ok')
    expect(sync({ seq: 2, acked: 1, gone: ['peer:a'] })).to.equal('ok')
    now += TTL / 2
    expect(sync({ id: 'b', seq: 1 })).to.equal('ok')
    // the engine has forgotten the node, and with it that it has seen the call
    now += TTL / 2
    expect(sync(first)).to.equal('ok')
    expect(engine.leased('fleet')).to.deep.equal(new Map([['peer:a 0', 2]]))
    expect(sync({ seq: 3, acked: 2 })).to.equal('ok')
    expect(engine.leased('fleet')).to.deep.equal(new Map())
    expect(again).to.deep.equal([false, false, false, false, true])
  })

  it('should take only versions of decisions that another one can follow', () => {
    const engine = new ClusterEngine(() => {})
    const decide = (policy: number, next: unknown): string => engine.run('decide', LAYOUT_VERSION, '{p:a}', JSON.stringify({ policy, next, text: '{}' }))

    for (const next of [0, -1, 0.5, 1.5, MAX_AMOUNT, MAX_AMOUNT + 1, 1e300, '1', null]) {
      expect(() => decide(0, next), String(next)).to.throw('the primary cannot read what decide was called with')
    }

    expect(JSON.parse(decide(0, MAX_AMOUNT - 2))).to.deep.equal({ status: 'ok', policy: MAX_AMOUNT - 2 })
    expect(() => decide(MAX_AMOUNT - 2, MAX_AMOUNT - 2)).to.throw('decide')
    expect(JSON.parse(decide(MAX_AMOUNT - 2, MAX_AMOUNT - 1))).to.deep.equal({ status: 'ok', policy: MAX_AMOUNT - 1 })
  })
})
