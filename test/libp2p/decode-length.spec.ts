import { InvalidMessageError } from '@libp2p/interface'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { decodeLength } from '../../src/libp2p/streams/decode-length.ts'

/**
 * A varint (LEB128)
 */
function encode (value: number): Uint8Array {
  const groups = value.toString(2).padStart(Math.ceil(value.toString(2).length / 7) * 7, '0').match(/.{7}/g) ?? []

  return Uint8Array.from(groups.reverse().map((bits, i) => Number.parseInt(bits, 2) + (i < groups.length - 1 ? 128 : 0)))
}

describe('the length before a message', () => {
  it('should be the number that was encoded, whole or byte by byte', () => {
    fc.assert(fc.property(fc.maxSafeNat(), value => {
      const bytes = encode(value)

      expect(decodeLength(bytes)).to.equal(value)
      expect(decodeLength(new Uint8ArrayList(...[...bytes].map(byte => Uint8Array.of(byte))))).to.equal(value)
    }))
  })

  it('should be waited for while it is not complete', () => {
    for (let length = 0; length < 8; length++) {
      expect(() => decodeLength(new Uint8Array(length).fill(0xff))).to.throw(RangeError)
    }
  })

  it('should not be waited for when it is longer than any number', () => {
    expect(() => decodeLength(new Uint8Array(8).fill(0xff))).to.throw(InvalidMessageError)
    expect(() => decodeLength(new Uint8Array(9).fill(0xff))).to.throw(InvalidMessageError)
  })

  it('should be zero, and the largest of each size', () => {
    expect(decodeLength(Uint8Array.of(0))).to.equal(0)

    for (let length = 1; length < 8; length++) {
      expect(decodeLength(new Uint8Array(length).fill(0xff, 0, -1).fill(0x7f, -1))).to.equal(2 ** (7 * length) - 1)
    }
  })
})
