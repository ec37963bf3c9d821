import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { decodeBans, encodeBans } from '../../src/bans/ban-record.ts'
import { BanStore } from '../../src/bans/ban-store.ts'
import { KEY, settle, START, stopTime, TestDatastore } from '../sessions/fixtures.ts'
import type { Ban } from '../../src/bans/ban.ts'
import type { SinonFakeTimers } from 'sinon'

const BAN: Ban = { level: 'host', target: '192.0.2.1/32', by: 'strikes', reason: 'a test', begin: START, end: START + 1_000 }
const ASIDE = `${KEY}:damaged`

describe('bans/store', () => {
  let time: SinonFakeTimers
  let datastore: TestDatastore
  let warnings: string[]
  let bans: Ban[]

  beforeEach(() => {
    time = stopTime()
    datastore = new TestDatastore()
    warnings = []
    bans = []
  })

  afterEach(() => {
    time.restore()
  })

  function create (): BanStore {
    return new BanStore({
      datastore,
      key: KEY,
      list: () => bans,
      restore: ban => { bans.push(ban) },
      warn: message => { warnings.push(message) }
    })
  }

  function written (): any {
    return JSON.parse(datastore.text(KEY.toString()) ?? '{}').bans
  }

  it('should keep bans across restarts', async () => {
    const store = create()

    await store.start()
    bans.push(BAN)
    store.changed()
    await store.stop()
    expect(written()).to.deep.equal([BAN])

    bans = []
    await create().start()
    expect(bans).to.deep.equal([BAN])
  })

  it('should write some time after a change, once for all, and nothing without', async () => {
    const store = create()

    await store.start()
    await time.tickAsync(60_000)
    expect(datastore.writes).to.equal(0)
    store.changed()
    store.changed()
    await time.tickAsync(9_999)
    expect(datastore.writes).to.equal(0)
    await time.tickAsync(1)
    await settle()
    expect(datastore.writes).to.equal(1)
    await store.stop()
    expect(datastore.writes).to.equal(1)
    expect(time.countTimers()).to.equal(0)
  })

  it('should read once, however often it is started', async () => {
    datastore.setText(KEY.toString(), new TextDecoder().decode(encodeBans([BAN])))

    const store = create()

    for (let i = 0; i < 3; i++) {
      await store.start()
      await store.stop()
    }

    expect(bans).to.deep.equal([BAN])
  })

  it('should set a damaged record aside', async () => {
    for (const record of ['no json', '{"version":2,"bans":[]}', '{"version":1}', '{"version":1,"bans":[5]}', JSON.stringify({ version: 1, bans: [{ ...BAN, level: 'world' }] }), JSON.stringify({ version: 1, bans: [{ ...BAN, end: 'never' }] })]) {
      datastore.setText(KEY.toString(), record)
      await create().start()
      expect(datastore.text(ASIDE)).to.equal(record)
    }

    expect(bans).to.deep.equal([])
    expect(warnings[0]).to.equal(`bans are damaged: expected JSON, they were set aside as ${ASIDE}`)
    expect(warnings).to.have.lengthOf(6)
  })

  it('should not overwrite what it could not read, and try again', async () => {
    for (const failing of ['has', 'get'] as const) {
      datastore.setText(KEY.toString(), new TextDecoder().decode(encodeBans([BAN])))
      datastore.failing = failing
      bans = []

      const store = create()

      await store.start()
      store.changed()
      await time.tickAsync(10_000)
      await settle()
      expect(written()).to.deep.equal([BAN])
      datastore.failing = undefined
      store.changed()
      await store.stop()
      expect(bans).to.deep.equal([BAN])
      expect(written()).to.deep.equal([BAN])
      expect(warnings[0]).to.equal(`bans were not read or written: Error: cannot ${failing}`)
      warnings = []
    }
  })

  it('should write again what it could not write', async () => {
    const store = create()

    await store.start()
    datastore.failing = 'put'
    bans.push(BAN)
    store.changed()
    await time.tickAsync(10_000)
    await settle()
    expect(warnings).to.deep.equal(['bans were not read or written: Error: cannot put'])
    datastore.failing = undefined
    await time.tickAsync(10_000)
    await settle()
    expect(written()).to.deep.equal([BAN])
    await store.stop()
  })

  it('should read whatever it has written', () => {
    const text = fc.string({ minLength: 1 })
    const ban: fc.Arbitrary<Ban> = fc.record({
      level: fc.constantFrom('peer', 'host', 'subnet'),
      target: text,
      by: fc.constantFrom('strikes', 'operator'),
      reason: text,
      begin: fc.maxSafeNat(),
      end: fc.maxSafeNat()
    })

    fc.assert(fc.property(fc.array(ban), bans => {
      expect(decodeBans(encodeBans(bans))).to.deep.equal(bans)
    }), { numRuns: 100 })
  })
})
