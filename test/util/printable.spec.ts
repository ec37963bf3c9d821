import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { printable } from '../../src/util/printable.ts'
import { WarningLog } from '../../src/util/warning-log.ts'
import { createManager, errorOf, peerA, recordingLogger } from '../scopes/fixtures.ts'

// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/

// whoever dials names protocols, and addresses come from anywhere: none of that may move the
// cursor of whoever looks at a terminal, begin a line in a log, or hide what follows

const NASTY = '/a\u001b[2J\u001b]0;title\u0007\r\u009b31m\u202e/1.0.0'

describe('names that remotes have chosen', () => {
  it('should stay as they are where they are harmless', () => {
    for (const text of ['', '/a/1.0.0', 'peer:12D3', '/dns4/bücher.example/tcp/1', '日本語', '👍']) {
      expect(printable(text)).to.equal(text)
    }
  })

  it('should be escaped', () => {
    expect(printable('a\u0000\n\u001b\u007f\u0085\u2028\u202e\u2066b')).to.equal('a\\u0000\\u000a\\u001b\\u007f\\u0085\\u2028\\u202e\\u2066b')
  })

  it('should be escaped in the table, in the state of a service, in warnings and in the log', () => {
    const { logger, errors, messages } = recordingLogger(true)
    const clock = sinon.useFakeTimers()

    try {
      const manager = createManager({ protocolDefault: { streams: 1 } }, { logger })

      manager.openStream(peerA, 'inbound').setProtocol(NASTY)
      errorOf(() => { manager.openStream(peerA, 'inbound').setProtocol(NASTY) })
      clock.tick(10_000)
      new WarningLog(logger.forComponent('test')).warn(`handler of ${NASTY}`)

      expect(String(manager)).to.include('/a\\u001b')
      expect(errors).to.have.lengthOf(2)
      expect(messages).to.have.length.above(0)

      for (const text of [String(manager), manager.serviceState(NASTY), ...errors, ...messages]) {
        expect(text).to.not.match(CONTROL)
      }
    } finally {
      clock.restore()
    }
  })

  it('should be what console.log shows of a manager: its table', () => {
    const manager: any = createManager({ system: { conns: 5 } })

    expect(manager[Symbol.for('nodejs.util.inspect.custom')]()).to.equal(String(manager)).and.include('conns in')
  })
})
