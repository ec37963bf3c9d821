import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { limitsToJSON } from '../../src/limits/limits-json.ts'
import { partialLimits } from '../limits/arbitraries.ts'
import { runCommand } from './fixtures.ts'

describe('limits diff', () => {
  let directory: string
  let file: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'limits-diff-'))
    file = join(directory, 'b.json')
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  async function diff (a: unknown, b: unknown): Promise<{ exitCode: number, changes: unknown[] }> {
    await writeFile(file, JSON.stringify(b))

    const { exitCode, stdout } = await runCommand(['limits', 'diff', '-', file, '--json', '--stand-alone'], JSON.stringify(a))

    return { exitCode, changes: JSON.parse(stdout) }
  }

  it('should list exactly what differs, and what follows from it', async () => {
    expect(await diff({ System: { FD: 5, Conns: 7 } }, { System: { FD: 6, Conns: 7 } })).to.deep.equal({
      exitCode: 1,
      changes: [{ setting: 'System.FD', from: 5, to: 6 }]
    })

    // an entry has what is for all of its kind
    expect(await diff(
      { ServiceDefault: { Streams: 5 }, Service: { a: { FD: 1 } } },
      { ServiceDefault: { Streams: 'unlimited' }, Service: { a: { FD: 1 } } }
    )).to.deep.equal({
      exitCode: 1,
      changes: [{ setting: 'ServiceDefault.Streams', from: 5, to: 'unlimited' }, { setting: 'Service.a.Streams', from: 5, to: 'unlimited' }]
    })
  })

  it('should say that nothing does, however it is written', async () => {
    expect(await diff({ System: { Memory: '64MiB', FD: 0 } }, { system: { memory: 2 ** 26, fd: 'blockAll' } })).to.deep.equal({ exitCode: 0, changes: [] })

    await writeFile(file, '{}')
    expect(await runCommand(['limits', 'diff', file, file])).to.deep.equal({ exitCode: 0, stdout: 'no limit differs\n', stderr: '' })
  })

  it('should find no difference between limits and themselves', async () => {
    await fc.assert(fc.asyncProperty(partialLimits, async (limits) => {
      const json = JSON.parse(limitsToJSON(limits))

      expect(await diff(json, json)).to.deep.equal({ exitCode: 0, changes: [] })
    }), { numRuns: 20 })
  })

  it('should write a table', async () => {
    await writeFile(file, '{ "System": { "Memory": "1GiB" } }')

    const { exitCode, stdout } = await runCommand(['limits', 'diff', '-', file, '--stand-alone'], '{ "System": { "Memory": "unlimited" } }')

    expect(exitCode).to.equal(1)
    expect(stdout).to.equal('limit                  a      b\nSystem.Memory  unlimited  1 GiB\n')
  })

  it('should not read the standard input twice', async () => {
    const { exitCode, stderr } = await runCommand(['limits', 'diff', '-', '-'])

    expect(exitCode).to.equal(2)
    expect(stderr).to.include('b: expected a file')
  })
})
