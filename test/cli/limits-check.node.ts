import { expect } from 'aegir/chai'
import { runCommand } from './fixtures.ts'

async function check (file: unknown, ...args: string[]): Promise<{ exitCode: number, problems: string[], contradictions: string[], notes: string[] }> {
  const { exitCode, stdout } = await runCommand(['limits', 'check', '-', '--json', ...args], typeof file === 'string' ? file : JSON.stringify(file))

  return { exitCode, ...JSON.parse(stdout) }
}

describe('limits check', () => {
  it('should find nothing in a file that is fine', async () => {
    expect(await check({ System: { Memory: '64MiB' } })).to.deep.equal({ exitCode: 0, problems: [], contradictions: [], notes: [] })
    expect(await check({})).to.deep.include({ exitCode: 0 })
    expect(await runCommand(['limits', 'check', '-'], '{}')).to.deep.equal({ exitCode: 0, stdout: 'standard input: fine\n', stderr: '' })
  })

  it('should list every problem', async () => {
    const found = await check({ System: { ConnsOutboun: 1, FD: -5 }, Sytem: {} })

    expect(found).to.deep.include({ exitCode: 1, contradictions: [] })
    expect(found.problems).to.have.lengthOf(3)
    expect(found.problems[0]).to.match(/^Sytem: unknown key \(did you mean System\?\)$/)
    expect(found.problems[1]).to.match(/^System.ConnsOutboun: unknown key/)
    expect(found.problems[2]).to.match(/^System.FD: expected .*got -5/)
  })

  it('should check the settings that kubo has beside limits', async () => {
    const problemsOf = async (manager: unknown): Promise<string[]> => {
      const { exitCode, problems } = await check({ Swarm: { ResourceMgr: manager } })

      expect(exitCode).to.equal(1)

      return problems
    }

    expect(await problemsOf({ MaxMemry: '1GB' })).to.deep.equal(['Swarm.ResourceMgr.MaxMemry: unknown key (did you mean MaxMemory?)'])
    expect(await problemsOf({ MaxMemory: 'much', MaxFileDescriptors: 'many' })).to.deep.equal([
      'Swarm.ResourceMgr.MaxMemory: expected a size such as "8GB" or "512 MiB", got "much"',
      'Swarm.ResourceMgr.MaxFileDescriptors: expected a whole number, got "many"'
    ])
    expect(await problemsOf({ MaxMemory: '1GB', Limits: { System: { FD: -5 } } })).to.have.lengthOf(1).and.nested.property('[0]').that.matches(/^Swarm\.ResourceMgr\.Limits\.System\.FD: expected /)

    // sizes as kubo has them, and what is left to its defaults
    for (const manager of [{ MaxMemory: '64M', maxfiledescriptors: '512' }, { MaxMemory: 'default', MaxFileDescriptors: null }, { MetricsEnabled: true }]) {
      expect(await check({ Swarm: { ResourceMgr: manager } })).to.deep.include({ exitCode: 0, problems: [], contradictions: [] })
    }
  })

  it('should name the place where a text is none', async () => {
    expect(await check('{ "System": ')).to.deep.include({ exitCode: 1, problems: ['invalid JSON: line 1, column 13: expected a value, got the end of the text'] })
    expect((await check('[System\n')).problems[0]).to.match(/^invalid TOML: line 1/)
  })

  it('should list every contradiction, those with the other options too', async () => {
    const file = { System: { Conns: 100, ConnsInbound: 200 }, Transient: { Conns: 150 }, Service: { a: { Streams: 1, StreamsInbound: 2 } } }
    const found = await check(file, '--connection-manager', '500')

    expect(found.exitCode).to.equal(1)
    expect(found.contradictions).to.have.lengthOf(4)
    expect(found.contradictions.join('\n')).to.include('system.connsInbound (200) is above system.conns (100)')
      .and.to.include('service.a.streamsInbound (2) is above service.a.streams (1)')
      .and.to.include('transient.conns (150) is above system.conns (100)')
      .and.to.include('the connection manager\'s maxConnections (500) is above system.conns (100)')
    expect((await check(file, '--stand-alone')).contradictions).to.have.lengthOf(3)
    expect((await check({}, '--max-memory', '1000TiB')).contradictions[0]).to.match(/^maxMemory \(1000 TiB\) is more than this process may use/)
  })

  it('should not contradict itself where limits are as large as what they are in', async () => {
    const limits = { Conns: 400, ConnsInbound: 400 }

    expect(await check({ System: limits, Transient: limits })).to.deep.include({ exitCode: 0 })
  })

  it('should write lines for people', async () => {
    const bad = await runCommand(['limits', 'check', '-'], '{ "Sytem": {}, "System": { "FD": -5 } }')

    expect(bad.exitCode).to.equal(1)
    expect(bad.stdout).to.match(/^problem: Sytem: .*\nproblem: System.FD: .*\n$/)
    expect(bad.stderr).to.equal('')

    const odd = await runCommand(['limits', 'check', '-'], '{ "FD": 7, "Conns": 0 }')

    expect(odd.exitCode).to.equal(1)
    expect(odd.stdout).to.match(/^contradiction: /)
    expect(odd.stderr).to.equal('note: standard input: these are limits of one scope, and read as those of System\n')
  })
})
