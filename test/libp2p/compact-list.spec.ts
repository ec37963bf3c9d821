import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { CompactList } from '../../src/libp2p/buffers/compact-list.ts'

/**
 * What a piece of a list takes besides its bytes, at least
 */
const PIECE = 135

/**
 * What a buffer may weigh above two times its bytes
 */
const SLACK = 2_048

function piecesOf (list: Uint8ArrayList): Uint8Array[] {
  return [...list]
}

/**
 * What a list makes a process hold
 */
function costOf (list: Uint8ArrayList): number {
  const pieces = piecesOf(list)
  const buffers = new Set(pieces.map(({ buffer }) => buffer))

  return pieces.length * PIECE + Array.from(buffers).reduce((sum, { byteLength }) => sum + byteLength, 0)
}

function compacted (list: Uint8ArrayList): CompactList {
  const compact = CompactList.in({ list }, 'list')

  if (compact == null) {
    throw new Error('not a list')
  }

  return compact
}

type Operation =
  { do: 'append' | 'prepend', size: number, unused: number } |
  { do: 'fragments', count: number } |
  { do: 'consume', part: number } |
  { do: 'compact' }

const operations = fc.array(fc.oneof<Array<fc.Arbitrary<Operation>>>(
  fc.record({ do: fc.constantFrom('append', 'prepend'), size: fc.integer({ min: 1, max: 5_000 }), unused: fc.constantFrom(0, 100, 70_000) }),
  fc.record({ do: fc.constant('fragments'), count: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ do: fc.constant('consume'), part: fc.constantFrom(0.001, 0.5, 0.9, 0.999, 1) }),
  fc.record({ do: fc.constant('compact') })
), { maxLength: 60 })

describe('a compact list', () => {
  let next = 0

  /**
   * Bytes in a buffer that is larger
   */
  function bytes (size: number, unused = 0): Uint8Array {
    const all = new Uint8Array(size + unused)
    const used = all.subarray(unused / 2, unused / 2 + size)

    used.forEach((_, i) => { used[i] = next++ })

    return used
  }

  it('should never change the bytes or their order, and weigh about two times as much as these at most', () => {
    fc.assert(fc.property(operations, (steps) => {
      const list = new Uint8ArrayList()
      const compact = compacted(list)
      let expected: number[] = []

      const fragments = (count: number): void => {
        const all = bytes(13 * count)

        for (let i = 0; i < count; i++) {
          const fragment = all.subarray(13 * i, 13 * i + 1)

          list.append(fragment)
          expected.push(fragment[0])
        }
      }

      for (const step of [...steps, { do: 'compact' } as const]) {
        if (step.do === 'append') {
          const piece = bytes(step.size, step.unused)
          list.append(piece)
          expected.push(...piece)
        } else if (step.do === 'prepend') {
          const piece = bytes(step.size, step.unused)
          list.prepend(piece)
          expected.unshift(...piece)
        } else if (step.do === 'fragments') {
          fragments(step.count)
        } else if (step.do === 'consume') {
          const size = Math.ceil(step.part * list.byteLength)
          list.consume(size)
          expected = expected.slice(size)
        } else {
          compact.compact()
          expect(costOf(list)).to.be.at.most(2 * list.byteLength + SLACK)
        }

        expect(list.byteLength).to.equal(expected.length)
        expect(compact.byteLength).to.equal(expected.length)
      }

      expect(list.subarray()).to.equalBytes(Uint8Array.from(expected))
    }))
  })

  it('should not copy what weighs little more than its bytes', () => {
    const pieces = [bytes(65_507, 28), bytes(1_000), bytes(20_000, 4_000)]
    const list = new Uint8ArrayList(...pieces)
    const compact = compacted(list)

    compact.compact()
    list.append(bytes(10_000))
    compact.compact()
    piecesOf(list).slice(0, 3).forEach((piece, i) => { expect(piece).to.equal(pieces[i]) })
  })

  it('should not keep a copy for each time that a byte has come', () => {
    const list = new Uint8ArrayList()
    const compact = compacted(list)

    for (let i = 0; i < 5_000; i++) {
      list.append(bytes(1))
      compact.compact()
    }

    expect(list.byteLength).to.equal(5_000)
    expect(piecesOf(list).length).to.be.below(10)
  })

  it('should not copy large chunks again for a byte that holds a large buffer', () => {
    const large = bytes(100_000)
    const list = new Uint8ArrayList(large)
    const compact = compacted(list)

    compact.compact()

    for (let i = 0; i < 100; i++) {
      list.append(bytes(1, 64_000))
      compact.compact()
    }

    expect(piecesOf(list)[0]).to.equal(large)
    expect(costOf(list)).to.be.below(110_000)
  })

  it('should let go of what was cut off at the front', () => {
    for (const after of [[], [bytes(100_000)]]) {
      const list = new Uint8ArrayList(bytes(1_000_000), ...after)
      const compact = compacted(list)
      const rest = after.length * (100_000 + PIECE)

      compact.compact()
      list.consume(400_000)
      compact.compact()
      expect(costOf(list) - rest).to.be.below(1_001_000)
      list.consume(599_990)
      compact.compact()
      expect(costOf(list) - rest).to.equal(PIECE + 10)
      expect(list.byteLength).to.equal(10 + after.length * 100_000)
    }
  })

  it('should let go of what has been read', () => {
    const list = new Uint8ArrayList()
    const compact = compacted(list)

    // as many bytes in as many pieces as before, and they are others
    for (let i = 0; i < 3; i++) {
      list.append(bytes(1, 64_000))
      compact.compact()
      expect(costOf(list)).to.equal(PIECE + 1)
      list.consume(1)
    }

    compact.compact()
    expect(list.byteLength).to.equal(0)
  })

  it('should not touch what is no such list', () => {
    for (const owner of [undefined, {}, { list: null }, { list: new Uint8Array(1) }, { list: { bufs: [] } }, { list: { byteLength: 0, bufs: 'x' } }]) {
      expect(CompactList.in(owner, 'list')).to.equal(undefined)
    }
  })
})
