import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { formatMemorySize, parseMemorySize } from '../../src/limits/memory-size.ts'

function parse (size: any): number {
  return parseMemorySize(size, 'maxMemory', () => 1000)
}

describe('memory size', () => {
  const sizes: Array<[any, number]> = [
    [1, 1],
    [2 ** 53 - 1, 2 ** 53 - 1],
    ['5B', 5],
    ['512MiB', 512 * 2 ** 20],
    ['512 MiB', 512 * 2 ** 20],
    [' 512mib ', 512 * 2 ** 20],
    ['1.5GB', 1.5e9],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['1KB', 1000],
    ['1kB', 1000],
    ['1KiB', 1024],
    ['1TB', 1e12],
    ['1TiB', 2 ** 40],
    ['1.9B', 1],
    ['25%', 250],
    ['12.5%', 125],
    ['100%', 1000],
    ['0.1%', 1]
  ]

  for (const [size, bytes] of sizes) {
    it(`should read ${JSON.stringify(size)}`, () => {
      expect(parse(size)).to.equal(bytes)
    })
  }

  for (const size of [0, -1, 1.5, NaN, Infinity, 2 ** 53, '', '5', 'MiB', '%', '-5MiB', '0MiB', '0%', '0.01%', '101%', '1e3MiB', '.5GiB', '5.GiB', '5m', '5Mb/s', '9000000TiB', '1.5.5GB', 'constructor', '5constructor', '5__proto__', null, undefined, {}, true, 5n]) {
    it(`should refuse ${typeof size === 'object' ? JSON.stringify(size) : String(size)} (${typeof size})`, () => {
      expect(() => parse(size)).to.throw(/^maxMemory: expected a number of bytes, .*, got /).with.property('name', 'InvalidParametersError')
    })
  }

  it('should only ask for the available memory when it has to', () => {
    const available = (): number => { throw new Error('asked') }

    expect(parseMemorySize('1MiB', 'x', available)).to.equal(2 ** 20)
    expect(() => parseMemorySize('1%', 'x', available)).to.throw('asked')
  })

  it('should be written for people', () => {
    expect(formatMemorySize(0)).to.equal('0 B')
    expect(formatMemorySize(1023)).to.equal('1023 B')
    expect(formatMemorySize(1024)).to.equal('1 KiB')
    expect(formatMemorySize(1.5 * 2 ** 30)).to.equal('1.50 GiB')
    expect(formatMemorySize(2 ** 30 + 1)).to.equal('1.00 GiB')
    expect(formatMemorySize(2 ** 53)).to.equal('8192 TiB')
  })

  it('should read what it writes', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1023 }), fc.integer({ min: 0, max: 3 }), (count, unit) => {
      const bytes = count * 1024 ** unit

      expect(parse(formatMemorySize(bytes))).to.equal(bytes)
    }))
  })
})
