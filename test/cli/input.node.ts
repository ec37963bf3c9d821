import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { expect } from 'aegir/chai'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { MAX_INPUT_BYTES, readInput } from '../../src/cli/read-input.ts'
import { runCommand } from './fixtures.ts'

const FILE = '{ "System": { "FD": 5 } }'

describe('input of the command', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'command-input-'))
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  async function showFD (input: Uint8Array | string): Promise<number> {
    const { exitCode, stdout, stderr } = await runCommand(['limits', 'show', '-', '--json'], input)

    expect(exitCode).to.equal(0, stderr)

    return JSON.parse(stdout).find(({ setting }: { setting: string }) => setting === 'System.FD').value
  }

  it('should be UTF-8, with a byte order mark or without, or UTF-16 with one', async () => {
    const little = Buffer.from(`\uFEFF${FILE}`, 'utf16le')

    expect(await showFD(FILE)).to.equal(5)
    expect(await showFD(`\uFEFF${FILE}`)).to.equal(5)
    expect(await showFD(little)).to.equal(5)
    expect(await showFD(Buffer.from(little).swap16())).to.equal(5)
  })

  it('should be JSON or TOML by the name of the file, or by how it begins', async () => {
    const paths: Record<string, string> = { config: FILE, 'a.toml': '[System]\nFD = 5', limits: '# ours\n[System]\nFD = 5', 'b.JSON': FILE }

    for (const [name, text] of Object.entries(paths)) {
      await writeFile(join(directory, name), text)

      const { exitCode, stdout } = await runCommand(['limits', 'show', join(directory, name)])

      expect(exitCode).to.equal(0, name)
      expect(stdout).to.match(/^ +FD +5 +file$/m)
    }

    expect(await showFD('[System]\nFD = 5')).to.equal(5)
  })

  it('should say what cannot be read', async () => {
    await writeFile(join(directory, 'binary.json'), Buffer.from([0x7b, 0xff, 0x00]))
    await writeFile(join(directory, 'half.json'), Buffer.from(FILE).subarray(0, 12))
    await writeFile(join(directory, 'wrong.toml'), FILE)
    await writeFile(join(directory, 'empty.json'), '')

    const unreadable: Array<[path: string, message: RegExp]> = [
      [directory, /: expected a file, got a directory$/],
      [join(directory, 'none.json'), /none.json: expected a file, but there is none of this name$/],
      [join(directory, 'binary.json'), /binary.json: expected text in UTF-8, or in UTF-16 with a byte order mark/],
      [join(directory, 'half.json'), /half.json: invalid JSON: line 1, column 13/],
      [join(directory, 'wrong.toml'), /wrong.toml: invalid TOML: line 1, column 1/],
      [join(directory, 'empty.json'), /empty.json: invalid JSON: line 1, column 1: expected a value/]
    ]

    for (const [path, message] of unreadable) {
      const { exitCode, stdout, stderr } = await runCommand(['limits', 'show', path])

      expect(exitCode).to.equal(EXIT.UNUSABLE, path)
      expect(stderr.trimEnd()).to.match(message)
      expect(stdout).to.equal('')
    }
  })

  it('should end after as many bytes as a file with limits may have', async () => {
    let read = 0

    async function * endless (): AsyncGenerator<Uint8Array> {
      for (;;) {
        read += 65_536
        yield new Uint8Array(65_536).fill(0x20)
      }
    }

    const terminal = { stdin: Readable.from(endless(), { highWaterMark: 1 }), stdout: new PassThrough(), stderr: new PassThrough(), exitCode: EXIT.FINE }

    await expect(readInput(terminal, '-')).to.eventually.be.rejectedWith('standard input: expected at most 16 MiB, got more')
    expect(read).to.be.below(MAX_INPUT_BYTES + 1_000_000)

    const most = await readInput({ ...terminal, stdin: Readable.from([Buffer.alloc(MAX_INPUT_BYTES, ' ')]) }, '-')

    expect(most).to.have.lengthOf(MAX_INPUT_BYTES)
  })

  it('should not be fooled by names that are members of objects, or by what is deeply nested', async () => {
    expect((await runCommand(['limits', 'check', '-'], '{ "__proto__": { "FD": 1 }, "constructor": 5 }')).stdout).to.match(/problem: __proto__: unknown key.*\nproblem: constructor: unknown key/)
    expect(await showFD('{ "System": { "FD": 5 }, "Service": { "__proto__": { "FD": 1 } } }')).to.equal(5)

    for (const deep of ['['.repeat(200_000), `${'['.repeat(200_000)}${']'.repeat(200_000)}`, `{ "System": ${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)} }`]) {
      const { exitCode, stdout } = await runCommand(['limits', 'check', '-'], deep)

      expect(exitCode).to.equal(EXIT.NOT_FINE)
      expect(stdout).to.match(/^problem: .{1,300}\n$/)
    }
  })

  it('should not move the cursor of a terminal', async () => {
    const { stdout } = await runCommand(['limits', 'show', '-'], JSON.stringify({ Service: { 'a\u001b[2Jb': { FD: 1 } } }))

    expect(stdout).to.include('u001b[2Jb')
    // eslint-disable-next-line no-control-regex
    expect(stdout).to.not.match(/\u001b/)
  })
})
