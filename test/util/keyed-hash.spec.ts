import { expect } from 'aegir/chai'
import { keyedHash, secretKey } from '../../src/util/keyed-hash.ts'

const KEY = Uint8Array.from({ length: 8 }, (_, i) => i)

describe('keyed hash', () => {
  it('should be HalfSipHash-2-4, with the vectors of its authors', () => {
    const hash = keyedHash(KEY)

    // of the bytes 0, 1, 2 … of this length, little endian
    expect([0, 1].map(length => hash(String.fromCharCode(...Array.from({ length }, (_, i) => i))).toString(16))).to.deep.equal(['5b9f35a9', 'b85a4727'])
  })

  it('should deal networks into lots that only who knows the key can tell', () => {
    const networks = Array.from({ length: 2_000 }, (_, i) => `${i % 250}.${Math.floor(i / 250)}.0.0/16`)
    const hashes = [keyedHash(KEY), keyedHash(Uint8Array.from({ length: 8 }, () => 7))]
    const lots = hashes.map(hash => networks.map(network => hash(network) % 8))

    for (let lot = 0; lot < 8; lot++) {
      expect(lots[0].filter(value => value === lot).length).to.be.within(180, 320)
    }

    // an eighth is the same by chance
    expect(lots[0].filter((lot, i) => lot === lots[1][i]).length).to.be.within(180, 320)
  })

  it('should have another key each time', () => {
    expect(secretKey()).to.have.lengthOf(8).and.not.deep.equal(secretKey())
  })
})
