import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { SCRIPTS } from '../../src/fleet/scripts.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { CONNECT } from './clients.ts'
import { startQuietly } from './fixtures.ts'
import { RedisServer } from './redis-server.ts'
import type { TestClient } from './clients.ts'
import type { FieldRequest, ScriptName } from '../../src/fleet/protocol.ts'
import type { ShareRequest, TokenRequest } from '../../src/fleet/rates-protocol.ts'

/**
 * So long that no lease ends in a test that does not wait for it
 */
const TTL = 600_000

/**
 * What the clocks of two engines tell apart, and what is a list in one and an object in the other
 */
function comparable (text: unknown): unknown {
  const { age, quiet, now, nodes, tokens = {}, ...answer } = JSON.parse(String(text), (_, value) => {
    return Array.isArray(value) && value.length === 0 ? {} : value
  })

  // the clocks of two engines are not the same
  const rounded = Array.isArray(tokens) ? tokens.map(([granted, missing]) => [granted, Number(missing.toFixed(3))]) : tokens

  return { grants: {}, free: {}, others: {}, shares: {}, groups: {}, ...answer, tokens: rounded, quiet: quiet > 0, nodes: typeof nodes === 'number' ? nodes : Object.values(nodes ?? {}).map(({ id, sum }: any) => `${id} ${sum}`).sort() }
}

/**
 * So long that nothing is refilled meanwhile, in ms
 */
const INTERVAL = 1e9

type Operation = [script: ScriptName, argument: object | string]

const amount = fc.integer({ min: 0, max: 40 })
const field: fc.Arbitrary<FieldRequest> = fc.tuple(fc.constantFrom(0, 3), fc.constant(40), amount, amount, amount)
const tokens: fc.Arbitrary<TokenRequest> = fc.tuple(fc.constantFrom('global', 'subnet:a', 'subnet:b'), fc.constant(INTERVAL), fc.constant(20), fc.nat(30), fc.nat(10), fc.nat(10), fc.nat(20), fc.nat(5), fc.nat(40))
const share: fc.Arbitrary<ShareRequest> = fc.tuple(fc.constantFrom('system rx', 'peer:a tx'), fc.constantFrom(1_000, 1e12), fc.nat(1_500), fc.nat(1_500))
const group = fc.constantFrom('c network 192.0.0.0/16', 'c peer a', 's peer a', 's peer \u20ac')
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.tuple(fc.constant<'sync'>('sync'), fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      seq: fc.integer({ min: 1, max: 40 }),
      ttl: fc.constantFrom(TTL, TTL, TTL, TTL, 5_000),
      policy: fc.constantFrom(0, 0, 0, 1),
      sum: fc.constantFrom('{}', '{"x":"\u20ac"}'),
      gone: fc.subarray(['system', 'peer:a']),
      scopes: fc.uniqueArray(fc.tuple(fc.constantFrom('system', 'peer:a', 'peer:b'), fc.uniqueArray(field, { maxLength: 2, selector: ([index]) => index })), { maxLength: 3, selector: ([key]) => key })
    }))
  },
  {
    weight: 10,
    arbitrary: fc.tuple(fc.constant<'rates'>('rates'), fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      seq: fc.integer({ min: 1, max: 40 }),
      ttl: fc.constant(TTL),
      policy: fc.constantFrom(0, 0, 0, 1),
      tokens: fc.uniqueArray(tokens, { maxLength: 3, selector: ([key]) => key }),
      shares: fc.uniqueArray(share, { maxLength: 2, selector: ([name]) => name }),
      gone: fc.subarray(['system rx', 'peer:a tx']),
      held: fc.uniqueArray(group).chain(groups => fc.tuple(...groups.map(name => fc.nat(100).map(held => [name, held]))).map(held => held.flat())),
      groups: fc.uniqueArray(group)
    }, { requiredKeys: ['id', 'seq', 'ttl', 'policy', 'tokens', 'shares', 'gone', 'groups'] }))
  },
  fc.tuple(fc.constant<'leave'>('leave'), fc.constantFrom('a', 'b', 'c')),
  fc.tuple(fc.constant<'read'>('read'), fc.constantFrom('nodes', '')),
  fc.tuple(fc.constant<'decide'>('decide'), fc.record({ policy: fc.constantFrom(0, 1), next: fc.constantFrom(0, 1), text: fc.constantFrom('{}', 'no JSON') }))
)

describe('fleet/engine', () => {
  let server: RedisServer

  before(async function () {
    this.timeout(30_000)
    server = await RedisServer.start()
  })

  after(async () => {
    await server.stop()
  })

  const urlOf = (): string => server.url

  for (const connect of CONNECT) {
    describe(connect.name, () => {
      let client: TestClient

      before(async () => {
        client = await connect(urlOf())
      })

      after(async () => {
        await client.close()
      })

      it('should answer what the engine in memory answers', async function () {
        this.timeout(120_000)

        let run = 0

        await fc.assert(fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 40 }), fc.boolean(), async (operations, clean) => {
          const key = `{test:${connect.name}-${run++}}`
          let ahead = 0
          const memory = new MemoryEngine(() => {}, () => Date.now() + ahead)

          // all nodes have left in order: from then on nobody has to wait for old leases
          if (clean) {
            await client.set(`${key}:fleet`, 'clean', '1')
            startQuietly(memory, key, 1_000, duration => { ahead += duration })
          }

          for (const [script, argument] of operations) {
            const text = typeof argument === 'string' ? argument : JSON.stringify(argument)
            const [real, model] = [await client.client.run(SCRIPTS[script], key, [text]), memory.run(script, key, [text])]

            expect(comparable(real)).to.deep.equal(comparable(model))
          }
        }), { numRuns: 100 })
      })

      it('should let everything end', async () => {
        await client.flushAll()
        await client.client.run(SCRIPTS.sync, '{p:a}', [JSON.stringify({ id: 'n', seq: 1, ttl: TTL, policy: 0, sum: '', gone: [], scopes: [['system', [[0, 10, 0, 1, 5]]]] })])
        await client.client.run(SCRIPTS.rates, '{p:a}', [JSON.stringify({ id: 'n', seq: 1, ttl: TTL, policy: 0, tokens: [['global', 1_000, 10, 0, 0, 0, 0, 2, 1]], shares: [['system rx', 1_000, 0, 10]], gone: [], held: ['c peer a', 1], groups: [] })])
        await client.client.run(SCRIPTS.decide, '{p:a}', [JSON.stringify({ policy: 0, next: 1, text: '{}' })])

        const keys = await client.keys()

        expect(keys.sort()).to.deep.equal(['{p:a}:fleet', '{p:a}:held:n', '{p:a}:node:n', '{p:a}:nodes', '{p:a}:rate:global'])

        for (const key of keys) {
          expect(await client.expiry(key)).to.be.above(0)
        }
      })

      it('should tell of what was decided, until nobody wants to know', async () => {
        const messages: string[] = []

        await client.client.subscribe('{p:b}:changed', message => { messages.push(message) })
        await client.client.run(SCRIPTS.decide, '{p:b}', [JSON.stringify({ policy: 0, next: 7, text: '{}' })])
        await eventually(() => messages.length === 1, 'the message')
        expect(messages).to.deep.equal(['7'])
        await client.client.unsubscribe('{p:b}:changed')
        await client.client.unsubscribe('{p:b}:changed')
      })

      it('should say that data is of another version', async () => {
        await client.set('{p:c}:fleet', 'version', '2')

        for (const [script, argument] of [['sync', '{}'], ['rates', '{}'], ['read', 'nodes'], ['decide', '{}'], ['leave', 'n']] as const) {
          expect(JSON.parse(String(await client.client.run(SCRIPTS[script], '{p:c}', [argument])))).to.deep.equal({ status: 'version', found: '2' })
        }
      })
    })
  }
})
