import { expect } from 'aegir/chai'
import { runCommand } from './fixtures.ts'
import type { Ran } from './fixtures.ts'

interface Shown {
  setting: string
  value: number | 'unlimited'
  origin: string
}

async function show (args: string[], file?: unknown): Promise<Map<string, Shown>> {
  const { exitCode, stdout, stderr }: Ran = await runCommand(['limits', 'show', ...file === undefined ? [] : ['-'], '--json', ...args], JSON.stringify(file))

  expect(exitCode).to.equal(0, stderr)

  return new Map(JSON.parse(stdout).map((figure: Shown) => [figure.setting, figure]))
}

describe('limits show', () => {
  it('should say where each figure of a file comes from, and what follows from it', async () => {
    const shown = await show(['--stand-alone'], {
      System: { ConnsInbound: 7, Memory: '64MiB', FD: 'unlimited' },
      ServiceDefault: { Streams: 11 },
      Service: { chat: { StreamsInbound: 5 } }
    })

    expect(shown.get('System.ConnsInbound')).to.deep.equal({ setting: 'System.ConnsInbound', value: 7, origin: 'file' })
    expect(shown.get('System.Memory')).to.deep.include({ value: 2 ** 26, origin: 'file' })
    expect(shown.get('System.FD')).to.deep.include({ value: 'unlimited', origin: 'file' })
    // what an entry leaves out is that of its kind
    expect(shown.get('Service.chat.Streams')).to.deep.include({ value: 11, origin: 'file' })
    expect(shown.get('Service.chat.StreamsInbound')).to.deep.include({ value: 5, origin: 'file' })
    expect(shown.get('System.ConnsOutbound')).to.include({ origin: 'default, scaled' })
    expect(shown.get('Conn.Conns')).to.include({ value: 1, origin: 'default' })
  })

  it('should say what a knob and a profile decide', async () => {
    const shown = await show(['--stand-alone', '--profile', 'desktop', '--max-connections', '77'])

    expect(shown.get('System.Conns')).to.deep.include({ value: 77, origin: 'maxConnections' })
    expect(shown.get('System.ConnsInbound')).to.deep.include({ value: 38, origin: 'maxConnections, profile' })
    expect(shown.get('Conn.FD')).to.deep.include({ value: 1, origin: 'default' })
  })

  it('should show what a node raises for its connection manager', async () => {
    expect((await show(['--connection-manager', '1000000'])).get('System.Conns')).to.deep.include({ value: 1_000_110, origin: 'connection manager' })
    expect((await show(['--connection-manager', '1000000', '--max-connections', '5'])).get('System.Conns')).to.deep.include({ value: 5, origin: 'maxConnections' })
  })

  it('should write a table', async () => {
    const { exitCode, stdout } = await runCommand(['limits', 'show', '-'], '{ "System": { "Memory": "64MiB" } }')

    expect(exitCode).to.equal(0)
    expect(stdout).to.match(/^scope +limit +figure +from$/m)
    expect(stdout).to.match(/^ +Memory +64 MiB +file$/m)
  })

  it('should list well-known services where they are set, or where all are asked for', async () => {
    const file = '{ "Service": { "libp2p.ping": { "Streams": 5 }, "chat": { "FD": 1 } } }'
    const some = (await runCommand(['limits', 'show', '-'], file)).stdout
    const all = (await runCommand(['limits', 'show', '-', '--all'], file)).stdout

    expect(some).to.match(/^Service.chat /m).and.to.match(/^Service\["libp2p.ping"\] +Streams +5 +file$/m)
    expect(some).to.not.match(/^Service\["libp2p.identify"\]/m)
    expect(all).to.match(/^Service\["libp2p.identify"\]/m)

    const [, left] = /\n\n(\d+) well-known services and protocols .*\n$/.exec(some) ?? []

    expect(all.split('\n').length - some.split('\n').length).to.equal(8 * Number(left) - 2)
  })

  it('should name what is wrong', async () => {
    const wrongs: Array<[string[], RegExp]> = [
      [['--profile', 'laptop'], /profile: expected one of relay, server, desktop, browser, got "laptop"/],
      [['--max-memory', 'much'], /maxMemory: expected .*"much"/],
      [['--max-connections', '-1'], /--max-connections.*-1.*Expected a whole number/],
      [['--max-connections', '0'], /maxConnections: expected a whole number, at least 1, got 0/],
      [['--nothing'], /unknown option '--nothing'/],
      [['a', 'b'], /too many arguments/]
    ]

    for (const [args, message] of wrongs) {
      const { exitCode, stdout, stderr } = await runCommand(['limits', 'show', ...args])

      expect(exitCode).to.equal(2, args.join(' '))
      expect(stderr).to.match(message)
      expect(stdout).to.equal('')
    }
  })
})
