import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { SCRIPTS } from '../../src/fleet/scripts.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { CONNECT_REDIS } from './clients.ts'
import { RedisServer } from './redis-server.ts'
import { connectNodeCluster } from './workers.ts'
import type { RedisTestClient, TestClient } from './clients.ts'
import type { FieldRequest, ScopeRequest, ScriptName } from '../../src/fleet/protocol.ts'
import type { RatesRequest, ShareRequest, TokenRequest } from '../../src/fleet/rates-protocol.ts'
import type { FleetClient } from '../../src/fleet.ts'

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

/**
 * What a node does with the engine: most of it is what nodes do, with what they know, so that
 * little of it is turned away before it comes to anything
 */
type Operation =
  | { script: 'sync', id: string, late: boolean, forgotten: boolean, stale: boolean, ttl: number, sum: string, gone: string[], scopes: ScopeRequest[] }
  | { script: 'rates', late: boolean, forgotten: boolean, stale: boolean, request: Omit<RatesRequest, 'seq' | 'acked' | 'policy'> }
  | { script: 'leave', id: string }
  | { script: 'read', what: string }
  | { script: 'decide', stale: boolean, text: string }

const SCOPES = ['system', 'peer:a', 'peer:b']
const LIMIT = 40

const id = fc.constantFrom('a', 'b', 'c')
const amount = fc.integer({ min: 0, max: LIMIT })
const field: fc.Arbitrary<FieldRequest> = fc.tuple(fc.constantFrom(0, 3), fc.constant(LIMIT), amount, amount, amount)
const seldom = fc.integer({ max: 9, min: 0 }).map(n => n === 9)
const tokens: fc.Arbitrary<TokenRequest> = fc.tuple(fc.constantFrom('global', 'subnet:a', 'subnet:b'), fc.constant(INTERVAL), fc.constant(20), fc.nat(30), fc.nat(10), fc.nat(10), fc.nat(20), fc.nat(5), fc.nat(40))
const share: fc.Arbitrary<ShareRequest> = fc.tuple(fc.constantFrom('system rx', 'peer:a tx'), fc.constantFrom(1_000, 1e12), fc.nat(1_500), fc.nat(1_500))
const group = fc.constantFrom('c network 192.0.0.0/16', 'c peer a', 's peer a', 's peer \u20ac')
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      script: fc.constant('sync'),
      id,
      late: seldom,
      forgotten: seldom,
      stale: seldom,
      ttl: fc.constantFrom(...Array<number>(19).fill(TTL), 5_000),
      sum: fc.constantFrom('{}', '{"x":"\u20ac"}'),
      gone: fc.subarray(SCOPES, { maxLength: 1 }),
      scopes: fc.uniqueArray(fc.tuple(fc.constantFrom(...SCOPES), fc.uniqueArray(field, { maxLength: 2, selector: ([index]) => index })), { maxLength: 3, selector: ([key]) => key })
    })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      script: fc.constant('rates'),
      late: seldom,
      forgotten: seldom,
      stale: seldom,
      request: fc.record({
        id,
        ttl: fc.constant(TTL),
        tokens: fc.uniqueArray(tokens, { maxLength: 3, selector: ([key]) => key }),
        shares: fc.uniqueArray(share, { maxLength: 2, selector: ([name]) => name }),
        gone: fc.subarray(['system rx', 'peer:a tx']),
        held: fc.uniqueArray(group).chain(groups => fc.tuple(...groups.map(name => fc.nat(100).map(held => [name, held]))).map(held => held.flat())),
        groups: fc.uniqueArray(group)
      }, { requiredKeys: ['id', 'ttl', 'tokens', 'shares', 'gone', 'groups'] })
    })
  },
  fc.record({ script: fc.constant('leave'), id }),
  fc.record({ script: fc.constant('read'), what: fc.constantFrom('nodes', '') }),
  fc.record({ script: fc.constant('decide'), stale: seldom, text: fc.constantFrom('{}', 'no JSON') })
)

/**
 * How often it has come to what is to be compared
 */
interface Compared {
  /** Something was asked for, and nobody had to wait until old leases had ended */
  granted: number

  /** Others left less than that */
  cut: number

  /** A node that is there has asked for rates */
  rates: number
}

/**
 * Nodes that do the same with two engines
 */
class Schedule {
  readonly #key: string
  readonly #client: FleetClient
  readonly #model: MemoryEngine
  readonly #compared: Compared
  #seq = 1
  #policy = 0

  constructor (key: string, client: FleetClient, model: MemoryEngine, compared: Compared) {
    this.#key = key
    this.#client = client
    this.#model = model
    this.#compared = compared
  }

  async step (operation: Operation): Promise<void> {
    switch (operation.script) {
      case 'sync': {
        const { forgotten, gone, id, late, scopes, stale, sum, ttl } = operation
        const { grants, quiet, status } = await this.#run('sync', { id, seq: late ? this.#seq : ++this.#seq, acked: forgotten ? this.#seq - 1 : 0, ttl, policy: this.#policy + (stale ? 1 : 0), sum, gone, scopes })

        if (status === 'ok' && quiet === false) {
          scopes.forEach(([, fields], i) => {
            fields.forEach(([,,,, want], j) => {
              this.#compared.granted += want > 0 ? 1 : 0
              this.#compared.cut += grants[i][j] < want ? 1 : 0
            })
          })
        }

        break
      }
      case 'rates': {
        const { forgotten, late, request, stale } = operation
        const { status } = await this.#run('rates', { ...request, seq: late ? this.#seq : ++this.#seq, acked: forgotten ? this.#seq - 1 : 0, policy: this.#policy + (stale ? 1 : 0) })

        this.#compared.rates += status === 'ok' ? 1 : 0
        break
      }
      case 'decide': {
        const { policy, status } = await this.#run('decide', { policy: this.#policy + (operation.stale ? 1 : 0), next: this.#policy + 2, text: operation.text })

        if (status === 'ok') {
          this.#policy = policy
        }

        break
      }
      default:
        await this.#run(operation.script, operation.script === 'leave' ? operation.id : operation.what)
    }
  }

  async #run (script: ScriptName, argument: object | string): Promise<any> {
    const text = typeof argument === 'string' ? argument : JSON.stringify(argument)
    const real = comparable(await this.#client.run(SCRIPTS[script], this.#key, [text]))

    expect(real).to.deep.equal(comparable(this.#model.run(script, this.#key, [text])))

    return real
  }
}

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

  for (const { connect, name } of [
    ...CONNECT_REDIS.map(connect => ({ name: connect.name, connect: async (): Promise<TestClient> => connect(urlOf()) })),
    { name: 'connectNodeCluster', connect: connectNodeCluster }
  ]) {
    describe(name, () => {
      let client: TestClient

      before(async function () {
        this.timeout(60_000)
        client = await connect()
      })

      after(async () => {
        await client.close()
      })

      it('should answer what the engine in memory answers', async function () {
        this.timeout(120_000)

        const compared = { granted: 0, cut: 0, rates: 0 }

        await fc.assert(fc.asyncProperty(seldom, fc.array(operation, { minLength: 10, maxLength: 40, size: 'max' }), async (isQuiet, operations) => {
          // an engine in this process knows those of earlier rounds, too
          const key = `{test:${name}-${crypto.randomUUID()}}`
          const isClean = client.leftInOrder === undefined || !isQuiet
          const schedule = new Schedule(key, client.client, new MemoryEngine(() => {}, Date.now, isClean), compared)

          isClean && await client.leftInOrder?.(key)

          for (const operation of operations) {
            await schedule.step(operation)
          }
        }), { numRuns: 100 })

        // otherwise it would say nothing: there are some thousand, of which hundreds are cut
        expect(compared.granted).to.be.above(300)
        expect(compared.cut).to.be.above(50)
        expect(compared.rates).to.be.above(100)
      })

      it('should have the debts of a call that it did not count when it counts the next one', async () => {
        const key = `{d:${name}}`
        const run = async (script: ScriptName, argument: object): Promise<any> => JSON.parse(String(await client.client.run(SCRIPTS[script], key, [JSON.stringify(argument)])))
        const rates = async (seq: number, policy: number): Promise<any> => run('rates', { id: 'n', seq, ttl: TTL, policy, tokens: [['global', INTERVAL, 10, 0, 0, 0, 0, 2, 1]], shares: [], gone: [], groups: [] })

        const { now, status } = await run('sync', { id: 'n', seq: 1, ttl: TTL, policy: 0, sum: '', gone: [], scopes: [] })

        // which time it is, nodes learn from this
        expect({ status, isTime: Number.isSafeInteger(now) }).to.deep.equal({ status: 'ok', isTime: true })
        expect(await rates(1, 7)).to.have.property('status', 'policy')

        for (const seq of [2, 3]) {
          const { status, tokens: [[granted, missing]] } = await rates(seq, 0)

          expect({ status, granted }).to.deep.equal({ status: 'ok', granted: 0 })
          // once, and little of it is refilled meanwhile
          expect(missing).to.be.within(1.9, 2)
        }
      })

      it('should forget what a call that came late has said of bit rates of a node that had given them back', async () => {
        const key = `{b:${name}}`
        const run = async (script: ScriptName, argument: object | string): Promise<any> => JSON.parse(String(await client.client.run(SCRIPTS[script], key, [typeof argument === 'string' ? argument : JSON.stringify(argument)])))
        const join = async (id: string, seq: number): Promise<void> => { expect(await run('sync', { id, seq, ttl: TTL, policy: 0, sum: '', gone: [], scopes: [] })).to.include({ status: 'ok', quiet: 0 }) }
        const rates = async (id: string, seq: number, acked: number, shares: ShareRequest[], gone: string[] = []): Promise<any> => {
          const { status, shares: granted } = await run('rates', { id, seq, acked, ttl: TTL, policy: 0, tokens: [], shares, gone, groups: [] })

          expect(status).to.equal('ok')

          return granted
        }
        const all: ShareRequest[] = [['system tx', 1_000, 0, 1_000]]

        await client.leftInOrder?.(key)
        await join('n', 1)
        await join('m', 1)
        expect(await rates('n', 1, 0, [['system tx', 1_000, 0, 600], ['peer:a tx', 1_000, 0, 600]])).to.deep.equal([600, 600])
        await rates('n', 2, 1, [], ['system tx', 'peer:a tx'])
        expect(await rates('m', 1, 0, [['system tx', 1_000, 0, 100]])).to.deep.equal([100])
        // the engine has forgotten the node, and with it that it has seen the first call, which comes again
        await run('leave', 'n')
        await join('n', 2)
        expect(await rates('n', 1, 0, [['system tx', 1_000, 0, 600]])).to.deep.equal([600])
        expect(await rates('m', 2, 1, all)).to.deep.equal([400])
        expect(await rates('n', 3, 2, [['peer:a tx', 1_000, 0, 600]])).to.deep.equal([600])
        expect(await rates('m', 3, 2, all)).to.deep.equal([1_000])
        // what was told with an answer stays
        await rates('n', 4, 3, [])
        expect(await rates('m', 4, 3, [['peer:a tx', 1_000, 0, 1_000]])).to.deep.equal([400])
      })

      it('should tell of what was decided, until nobody wants to know', async () => {
        const messages: string[] = []
        const key = `{p:${name}}`
        const channel = `${key}:changed`

        await client.client.subscribe(channel, message => { messages.push(message) })
        await client.client.run(SCRIPTS.decide, key, [JSON.stringify({ policy: 0, next: 7, text: '{}' })])
        await eventually(() => messages.length === 1, 'the message')
        expect(messages).to.deep.equal(['7'])
        await client.client.unsubscribe(channel)
        await client.client.unsubscribe(channel)
      })
    })
  }

  for (const connect of CONNECT_REDIS) {
    describe(`what is kept, ${connect.name}`, () => {
      let client: RedisTestClient

      before(async () => {
        client = await connect(urlOf())
      })

      beforeEach(async () => {
        await client.flushAll()
      })

      after(async () => {
        await client.close()
      })

      it('should let everything end', async () => {
        await client.client.run(SCRIPTS.sync, '{p:a}', [JSON.stringify({ id: 'n', seq: 1, ttl: TTL, policy: 0, sum: '', gone: [], scopes: [['system', [[0, 10, 0, 1, 5]]]] })])
        await client.client.run(SCRIPTS.rates, '{p:a}', [JSON.stringify({ id: 'n', seq: 1, ttl: TTL, policy: 0, tokens: [['global', 1_000, 10, 0, 0, 0, 0, 2, 1]], shares: [['system rx', 1_000, 0, 10]], gone: [], held: ['c peer a', 1], groups: [] })])
        await client.client.run(SCRIPTS.decide, '{p:a}', [JSON.stringify({ policy: 0, next: 1, text: '{}' })])

        const keys = await client.keys()

        expect(keys.sort()).to.deep.equal(['{p:a}:fleet', '{p:a}:held:n', '{p:a}:node:n', '{p:a}:nodes', '{p:a}:rate:global'])

        for (const key of keys) {
          expect(await client.expiry(key)).to.be.above(0)
        }
      })

      it('should tell all who listen with one client, until each of them has ended', async () => {
        const key = '{p:s}'
        const channel = `${key}:changed`
        const messages: string[] = []
        const [one, other] = ['one', 'other'].map(name => (message: string) => { messages.push(`${name} ${message}`) })
        const decide = async (policy: number): Promise<unknown> => client.client.run(SCRIPTS.decide, key, [JSON.stringify({ policy, next: policy + 1, text: '{}' })])

        await Promise.all([one, other].map(async listener => client.client.subscribe(channel, listener)))
        await decide(0)
        await eventually(() => messages.length === 2, 'the messages')
        expect(messages.sort()).to.deep.equal(['one 1', 'other 1'])
        await client.client.unsubscribe(channel, one)
        await decide(1)
        await eventually(() => messages.length === 3, 'the message')
        expect(messages[2]).to.equal('other 2')
        await client.client.unsubscribe(channel, other)
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
