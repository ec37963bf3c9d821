import { execFile } from 'node:child_process'
import { expect } from 'aegir/chai'
import { parseOptions } from './options.ts'

// tests are run from the root of the package
const COMMAND = 'test/properties/run.ts'

/** One of its tests has a property, and one has none */
const FILE = 'test/util/sorted.spec.ts'

interface Ran {
  exitCode: number
  stdout: string
  stderr: string
}

async function runCommand (...args: string[]): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, ['--no-warnings', COMMAND, ...args], (_, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr })
    })
  })
}

// who looks for new input and has mistyped something would believe that there is nothing to find

describe('npm run test:properties', function () {
  this.timeout(300_000)

  it('should know how often it runs', () => {
    const all = { seed: undefined, runs: Infinity, minutes: 5, file: '', grep: '' }

    for (const [args, options] of [
      [[], all],
      [['--minutes', '0.5'], { ...all, minutes: 0.5 }],
      [['--runs', '1'], { ...all, runs: 1, minutes: Infinity }],
      [['--runs', '50', '--minutes', '10'], { ...all, runs: 50, minutes: 10 }],
      [['--seed', '0'], { ...all, seed: 0, runs: 1, minutes: Infinity }],
      [['--seed=-7', '--runs', '2'], { ...all, seed: -7, runs: 2, minutes: Infinity }],
      [['--file', 'a', '--grep', 'b'], { ...all, file: 'a', grep: 'b' }]
    ] as const) {
      expect(parseOptions([...args]), args.join(' ')).to.deep.equal(options)
    }
  })

  it('should not take what is mistyped for a number, or for nothing', () => {
    for (const [name, expected, texts] of [
      ['seed', 'an integer', ['', ' ', 'abc', '1.5', '1e3', '12345G', 'Infinity', '99999999999999999999']],
      ['runs', 'an integer of 1 or more', ['', '5O', '0', '-1', '1.5', 'NaN', 'Infinity']],
      ['minutes', 'a number above 0', ['', ' ', '10m', '0', '0.0', '-1', '1,5', '.', 'Infinity']]
    ] as const) {
      for (const text of texts) {
        expect(() => parseOptions([`--${name}=${text}`]), text).to.throw(`--${name}: expected ${expected}, got "${text}"`)
      }
    }

    expect(() => parseOptions(['--round', '3'])).to.throw('Unknown option \'--round\'')
    expect(() => parseOptions(['50'])).to.throw('Unexpected argument \'50\'')
  })

  for (const [args, problem] of [
    [['--runs', '5O'], '--runs: expected an integer of 1 or more, got "5O"'],
    [['--file', 'leases-modle'], '--file: there are no property tests in files like "leases-modle"'],
    [['--file', FILE, '--grep', 'sortnig'], '--grep: there is no test with a title like "sortnig" in these files'],
    [['--file', FILE, '--grep', 'where there is nothing'], 'no test that fits --file and --grep has a property']
  ] as const) {
    it(`should not run with ${args.join(' ')}`, async () => {
      expect(await runCommand(...args)).to.deep.equal({ exitCode: 2, stdout: '', stderr: `error: ${problem}\n` })
    })
  }

  it('should run what fits, so many times, with the seed that it was given', async () => {
    expect(await runCommand('--file', FILE, '--grep', 'sorting in one piece', '--seed', '7', '--runs', '2')).to.include({ exitCode: 0, stderr: '' })
      .and.have.property('stdout').that.matches(/^1 tests with properties in 1 files\n(?:seed 7: 1 passed, 0 failed, \d+ s\n){2}$/)
  })
})
