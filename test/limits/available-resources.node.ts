import { totalmem } from 'node:os'
import { expect } from 'aegir/chai'
import { availableResources, openFilesFromReport, parseProcLimits, readMemory, usableMemory } from '../../src/limits/available-resources.ts'

const GiB = 2 ** 30

describe('available resources of a process', () => {
  it('should be the memory of the container if that is less', () => {
    expect(usableMemory(8 * GiB, GiB)).to.equal(GiB)
  })

  it('should be the memory of the machine if there is no container', () => {
    // what Node says where there is no limit: 0 on some systems, 2^64 on others
    for (const constrained of [undefined, 0, 2 ** 64, 9 * GiB]) {
      expect(usableMemory(8 * GiB, constrained)).to.equal(8 * GiB)
    }
  })

  it('should be known where the process is permitted to ask', () => {
    const forbidden = (): never => { throw new Error('Requires sys access') }

    expect(readMemory(forbidden, forbidden)).to.equal(undefined)
    // no limit
    expect(readMemory(forbidden, () => 0)).to.equal(undefined)
    expect(readMemory(forbidden, () => 2 ** 64)).to.equal(undefined)
    expect(readMemory(forbidden, () => GiB)).to.equal(GiB)
    expect(readMemory(() => 8 * GiB, forbidden)).to.equal(8 * GiB)
    expect(readMemory(() => 8 * GiB, () => GiB)).to.equal(GiB)
    expect(availableResources().memory).to.equal(readMemory())
  })

  it('should be the soft limit of open files', () => {
    const text = (soft: string): string => `Limit                     Soft Limit           Hard Limit           Units
Max processes             96365                96365                processes
Max open files            ${soft.padEnd(20)} 4096                 files
Max file locks            unlimited            unlimited            locks`

    expect(parseProcLimits(text('1024'))).to.equal(1024)
    expect(parseProcLimits(text('unlimited'))).to.equal(Infinity)
    expect(parseProcLimits(text('none'))).to.be.undefined()
    expect(parseProcLimits('')).to.be.undefined()
  })

  it('should be the same in the report that is read where there is no /proc', function () {
    if (process.platform !== 'linux') {
      this.skip()
    }

    const { excludeNetwork } = process.report as any

    expect(openFilesFromReport()).to.equal(availableResources().fds)
    expect(process.report).to.have.property('excludeNetwork', excludeNetwork)
  })

  it('should be found on this machine, once', () => {
    const resources = availableResources()

    expect(resources.memory).to.be.within(1, totalmem())
    expect(resources.fds).to.be.above(0)
    expect(availableResources()).to.equal(resources)
    expect(resources).to.be.frozen()
  })
})
