import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { runCommand } from './fixtures.ts'

const NAME = '$ npx libp2p-resource-manager '

/**
 * What is shown of a command, as what it has to write: `…` stands for any number of lines
 */
function pattern (shown: string): RegExp {
  const lines = shown.split('\n').map(line => line === '…' ? '(?:.*\\n)*?' : `${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\n`)

  return new RegExp(`^${lines.join('')}$`)
}

describe('the guide to the command', () => {
  const home = process.cwd()
  let guide: string
  let directory: string

  before(async () => {
    guide = await readFile('docs/command.md', 'utf8')
    directory = await mkdtemp(join(tmpdir(), 'command-guide-'))

    // the name of a file is the last thing in code before what is in it
    for (const [, before, text] of guide.matchAll(/^([^\n]*:)\n\n```json\n(.*?)^```$/gms)) {
      const [, name] = /`([\w.]+)`[^`]*(?:`[\w.-]+`[^`]*)?:$/.exec(before) ?? []

      await writeFile(join(directory, name), text)
    }

    // names of files are in what is written
    process.chdir(directory)
  })

  after(async () => {
    process.chdir(home)
    await rm(directory, { recursive: true })
  })

  it('should show what the commands about files with limits write', async () => {
    const shown = Array.from(guide.matchAll(/^```console\n(.*?)\n^```$/gms), ([, text]) => text.split('\n')).filter(([command]) => command.startsWith(`${NAME}limits `))

    expect(shown).to.have.lengthOf.at.least(5)

    for (const [command, ...output] of shown) {
      const { stdout, stderr } = await runCommand(command.slice(NAME.length).split(' '))

      expect(`${stderr}${stdout}`, command).to.match(pattern(output.join('\n')))
    }
  })

  it('should list the exit codes', async () => {
    const { EXIT } = await import('../../src/cli/exit-codes.ts')
    const codes = Array.from(guide.matchAll(/^\| (\d+) \|/gm), ([, code]) => Number(code))

    expect(codes).to.deep.equal(Object.values(EXIT))
  })
})
