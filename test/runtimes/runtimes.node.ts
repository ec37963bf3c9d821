import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { NOTHING } from '../scopes/fixtures.ts'

// tests are run from the root of the package. The binaries come with aegir.
const PROGRAM = 'test/runtimes/tcp-pair.ts'

const RUNTIMES: Array<{ name: string, binary?: string, args: string[] }> = [
  { name: 'Node.js', binary: process.execPath, args: ['--disable-warning=ExperimentalWarning'] },
  { name: 'Bun', binary: globSync('node_modules/@oven/bun-*/bin/bun')[0], args: ['run'] },
  // without --allow-sys: how much memory there is must not be asked
  { name: 'Deno', binary: existsSync('node_modules/.bin/deno') ? 'node_modules/.bin/deno' : undefined, args: ['run', '--allow-net', '--allow-read', '--allow-env'] }
]

describe('runtimes', () => {
  for (const { name, binary, args } of RUNTIMES) {
    const run = binary == null ? it.skip : it

    run(`should manage nodes over TCP in ${name}${binary == null ? ' (it is not installed)' : ''}`, async () => {
      const { stdout } = await promisify(execFile)(binary as string, [...args, PROGRAM], { timeout: 50_000 })
      const [running, stopped] = stdout.trim().split('\n').map(line => JSON.parse(line))

      expect(running).to.deep.equal({ echoed: 2_000, refused: 2, counted: [2], held: { numConnsInbound: 1, numFD: 1, numStreamsInbound: 2 } })
      expect(stopped).to.deep.equal(NOTHING)
    })
  }
})
