import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'aegir/chai'
import { styled } from '../../src/cli/terminal.ts'
import { runCommand } from './fixtures.ts'
import type { Ran } from './fixtures.ts'
import type { Output } from '../../src/cli/terminal.ts'
import type { Readable } from 'node:stream'

/**
 * The command beside this test: source, or what is built from it
 */
const COMMAND = fileURLToPath(new URL(`../../src/cli${extname(fileURLToPath(import.meta.url))}`, import.meta.url))

/**
 * Runs the command as a process of its own
 */
async function runProcess (args: string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, ...inherited } = process.env
    const child = execFile(process.execPath, ['--no-warnings', COMMAND, ...args], { env: { ...inherited, ...env } }, (_, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr })
    })

    // it may end before it has read all
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

describe('the command', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'command-'))
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  it('should exit with 0 for what is fine, 1 for what is not, and 2 for what cannot be used', async () => {
    expect(await runProcess(['limits', 'check', '-'], '{}')).to.deep.equal({ exitCode: 0, stdout: 'standard input: fine\n', stderr: '' })
    expect(await runProcess(['limits', 'check', '-'], '{ "Sytem": {} }')).to.deep.equal({ exitCode: 1, stdout: 'problem: Sytem: unknown key (did you mean System?)\n', stderr: '' })
    expect(await runProcess(['limits', 'check', directory])).to.deep.equal({ exitCode: 2, stdout: '', stderr: `error: ${directory}: expected a file, got a directory\n` })
    expect(await runProcess(['limits', 'chekc', '-'])).to.deep.equal({ exitCode: 2, stdout: '', stderr: 'error: unknown command \'chekc\'\n(Did you mean check?)\n' })
  })

  it('should say that its results cannot be written where the disk is full', async function () {
    if (process.platform !== 'linux') {
      return this.skip()
    }

    const file = join(directory, 'limits.json')

    await writeFile(file, '{ "System": { "Conns": 5 } }')

    const full = await open('/dev/full', 'w')

    try {
      for (const args of [['limits', 'show', file], ['limits', 'convert', file], ['limits', 'check', file, '--json'], ['--help']]) {
        const child = spawn(process.execPath, ['--no-warnings', COMMAND, ...args], { stdio: ['ignore', full.fd, 'pipe'] })
        const [said, [code]] = await Promise.all([text(child.stderr as Readable), once(child, 'close')])

        expect(said, args.join(' ')).to.match(/^error: the standard output cannot be written: .*ENOSPC/)
        expect(code, args.join(' ')).to.equal(2)
      }
    } finally {
      await full.close()
    }
  })

  it('should have no colours where the output is no terminal, but where they are asked for', async () => {
    const { stdout } = await runProcess(['limits', 'show'])

    expect(stdout).to.match(/^scope +limit +figure +from\n/)
    expect((await runProcess(['limits', 'show'], '', { FORCE_COLOR: '1' })).stdout).to.include('\u001b[1mscope')
    expect((await runProcess(['limits', 'show'], '', { NO_COLOR: '1' })).stdout).to.equal(stdout)
  })

  it('should have colours on a terminal that has them', () => {
    const { FORCE_COLOR } = process.env
    const terminal = (depth: number): Output => Object.assign(new PassThrough(), { isTTY: true, getColorDepth: () => depth })

    try {
      Reflect.deleteProperty(process.env, 'FORCE_COLOR')
      expect(styled(terminal(8), 'red', 'a')).to.equal('\u001b[31ma\u001b[39m')
      // which is what Node.js says of one where NO_COLOR is set
      expect(styled(terminal(1), 'red', 'a')).to.equal('a')
      expect(styled(new PassThrough(), 'red', 'a')).to.equal('a')
    } finally {
      Object.assign(process.env, FORCE_COLOR !== undefined && { FORCE_COLOR })
    }
  })

  it('should stop reading a file that is far too large', async () => {
    const path = join(directory, 'huge.json')
    const file = await open(path, 'w')

    // takes no space on the disk
    await file.truncate(2 ** 30)
    await file.close()

    expect(await runProcess(['limits', 'convert', path])).to.deep.equal({ exitCode: 2, stdout: '', stderr: `error: ${path}: expected at most 16 MiB, got more\n` })
  })

  it('should say how each command is used, with examples', async () => {
    const list = await runCommand(['--help'])
    const names = async (...group: string[]): Promise<string[][]> => {
      const { stdout } = await runCommand([...group, '--help'])

      return Array.from(stdout.matchAll(/^ {2}(\w+) \[options\]/gm), ([, name]) => [...group, name])
    }
    const commands = [...await names(), ...await names('limits')]

    expect(list).to.deep.include({ exitCode: 0, stderr: '' })
    expect(commands).to.deep.include.members([['limits', 'show'], ['limits', 'check'], ['limits', 'diff'], ['limits', 'convert']])

    for (const command of commands) {
      const { exitCode, stdout } = await runCommand([...command, '--help'])
      const examples = [...stdout.matchAll(/^ {2}\$ (.*)$/gm)]

      expect(exitCode).to.equal(0)
      expect(examples).to.have.lengthOf.at.least(1)
      expect(stdout).to.match(/--json/).and.to.match(/Exit codes:\n {2}0 {2}/)
      examples.forEach(([, example]) => { expect(example).to.include(`libp2p-resource-manager ${command.join(' ')}`) })
    }
  })

  it('should say what there is where nothing is asked of it', async () => {
    for (const args of [[], ['limits']]) {
      const { exitCode, stdout, stderr } = await runCommand(args)

      expect(exitCode).to.equal(2)
      expect(stdout).to.equal('')
      expect(stderr).to.match(/^Usage: .*\n/).and.to.not.include('error')
    }
  })

  it('should print the version of the package', async () => {
    const { exitCode, stdout } = await runCommand(['--version'])

    expect(exitCode).to.equal(0)
    expect(stdout).to.match(/^\d+\.\d+\.\d+/)
  })

  it('should write nothing to the results where there is only a note', async () => {
    await writeFile(join(directory, 'a.json'), '{ "Conns": 5 }')

    const { stdout, stderr } = await runCommand(['limits', 'convert', join(directory, 'a.json')])

    expect(JSON.parse(stdout)).to.deep.equal({ System: { Conns: 5 } })
    expect(stderr).to.match(/^note: /)
  })
})
