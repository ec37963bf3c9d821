/**
 * What is protected: a property test that fails does so because of what was changed. All of them
 * have the same input in every run, in Node and in browsers. `npm run test:properties` looks for
 * input that they have not had.
 */

import { expect } from 'aegir/chai'
import fc from 'fast-check'

const SEED = 20_261_126

/**
 * Reads `PROPERTY_SEED`, which there is in Node only: a number, or `random`
 */
function readSeed (setting: string | undefined): number {
  if (setting === undefined || setting === '') {
    return SEED
  }

  const seed = setting === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(setting)

  if (!Number.isSafeInteger(seed)) {
    throw new Error(`PROPERTY_SEED: expected an integer or random, got ${setting}`)
  }

  return seed
}

// all files are read before the first test runs: it holds for those that come before this one, too
const seed = readSeed(globalThis.process?.env?.PROPERTY_SEED)

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })

const input = fc.array(fc.oneof(fc.nat(), fc.string()))

function inputOf (parameters?: fc.Parameters<[unknown]>): unknown[] {
  const seen: unknown[] = []

  fc.assert(fc.property(input, value => { seen.push(value) }), parameters)

  return seen
}

async function asyncInputOf (): Promise<unknown[]> {
  const seen: unknown[] = []

  await fc.assert(fc.asyncProperty(input, async value => { seen.push(value) }))

  return seen
}

describe('the seed of property tests', () => {
  it('should give a property the same input in every run', () => {
    const seen = inputOf()

    expect(seen).to.have.lengthOf(100)
    expect(inputOf()).to.deep.equal(seen)
    // more runs begin with the same ones
    expect(inputOf({ numRuns: 150 }).slice(0, 100)).to.deep.equal(seen)
    // otherwise it would say nothing
    expect(inputOf({ seed: seed + 1 })).to.not.deep.equal(seen)
  })

  it('should give an asynchronous property the same input in every run', async () => {
    const seen = await asyncInputOf()

    expect(seen).to.deep.equal(inputOf())
    expect(await asyncInputOf()).to.deep.equal(seen)
  })

  it('should be the same on every machine', () => {
    // what the seed of this file makes: others would not repeat what has failed elsewhere
    expect(readSeed(undefined)).to.equal(SEED)
    expect(readSeed('')).to.equal(SEED)
  })

  it('should be a number or a random one where the environment says so', () => {
    expect(readSeed('0')).to.equal(0)
    expect(readSeed('-7')).to.equal(-7)
    expect(readSeed('random')).to.be.within(0, 2 ** 31 - 1)
    expect(new Set(Array.from({ length: 10 }, () => readSeed('random'))).size).to.be.above(1)

    for (const setting of ['1.5', 'Infinity', 'rondom', 'NaN']) {
      expect(() => readSeed(setting), setting).to.throw(`PROPERTY_SEED: expected an integer or random, got ${setting}`)
    }
  })
})
