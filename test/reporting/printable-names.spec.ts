/**
 * Names of protocols are chosen by remotes, and are printed to terminals and logs: they must
 * not move the cursor there, nor look like lines of their own
 */

import { expect } from 'aegir/chai'
import { printable } from '../../src/util/printable.ts'
import { NOTHING, createManager, peerA, recordingLogger } from '../scopes/fixtures.ts'

const NAMES = ['/a\n2026-11-26 all is well', '/\u001b[2J\u001b[1;1H', '/\u202etxt.exe', '/\r\u009b1A', '/\u2028a', 'x'.repeat(30) + '\u001b[31m' + 'y'.repeat(30)]

// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/

describe('names that cannot be printed', () => {
  for (const name of NAMES) {
    const shown = printable(name)

    it(`should be escaped in tables and states: ${shown}`, () => {
      const manager = createManager({ protocolDefault: { streams: 1 } })
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(name)
      stream.setService(name)

      const lines = String(manager).split('\n')

      // a header, system, transient, the service, the protocol and the peer
      expect(lines).to.have.lengthOf(6)
      expect(new Set(lines.map(({ length }) => length))).to.have.property('size', 1)

      for (const text of [...lines, manager.serviceState(name), manager.systemState()]) {
        expect(text).to.not.match(UNPRINTABLE)
      }

      stream.done()
    })

    it(`should be escaped in warnings: ${shown}`, () => {
      const { errors, logger } = recordingLogger()
      const manager = createManager({}, { logger })

      manager.viewProtocol(name, scope => { scope.releaseMemory(1) })
      expect(errors).to.have.lengthOf(1)
      expect(errors[0]).to.include('released more memory than was held').and.to.not.match(UNPRINTABLE)
    })

    it(`should be what it is where programs read it: ${shown}`, () => {
      const manager = createManager()
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(name)
      expect(manager.stat().protocols).to.deep.equal({ [name]: { ...NOTHING, numStreamsInbound: 1 } })
    })
  }
})
