/**
 * Honest programs must not notice that there is a resource manager: each is run without one,
 * and then with several, and has to come to the same while nothing is refused or ended.
 * `table.ts` says which.
 */

import { expect } from 'aegir/chai'
import { overTcp } from '../libp2p/fixtures/node-transports.ts'
import { MANAGERS } from './framework/managers.ts'
import { runProgram } from './framework/run-program.ts'
import { requests } from './programs/requests.ts'
import { TABLE } from './table.ts'
import type { ManagerName } from './framework/managers.ts'
import type { Program } from './framework/program.ts'

/**
 * How long a program may take, in ms: far longer than any does
 */
const TIMEOUT = 90_000

function testWith (program: Program, managers: ManagerName[]): void {
  describe(`a program that ${program.what}`, function () {
    this.retries(program.retries ?? 0)

    it('should work without a resource manager', async () => {
      const { outcome } = await runProgram(program, false)

      expect(outcome).to.deep.equal(program.outcome)
    })

    managers.forEach(name => {
      it(`should not notice the resource manager: ${name}`, async () => {
        const { outcome, refusals, errors } = await runProgram(program, MANAGERS[name])

        expect(refusals, 'refusals').to.deep.equal([])
        expect(errors, 'errors').to.deep.equal([])
        expect(outcome).to.deep.equal(program.outcome)
      })
    })
  })
}

describe('transparency', function () {
  this.timeout(TIMEOUT)

  TABLE.forEach(([program, managers]) => { testWith(program, managers) })

  describe('these tests', () => {
    const program = requests('asks 20 questions at a time', { over: overTcp, burst: 20, times: 1 })

    it('should notice what fails', async () => {
      await expect(runProgram(program, { limits: { protocolPeerDefault: { streams: 5 } } }))
        .to.eventually.be.rejected.with.property('message').that.include('"protocolPeer"')
    })

    it('should notice what is refused but does not fail', async () => {
      const { outcome, refusals } = await runProgram(program, { limits: { protocolPeerDefault: { streams: 5 } }, enforce: false })

      expect(outcome).to.deep.equal(program.outcome)
      expect(refusals).to.have.nested.property('[0].kind', 'protocolPeer')
    })

    it('should notice what is left', async () => {
      const leaking = {
        ...program,
        run: async (...args: Parameters<typeof program.run>) => {
          const [world] = args
          const node = await world.create()

          node.services.resourceManager.viewSystem(scope => { scope.reserveMemory(1) })

          return program.run(world)
        }
      }

      await expect(runProgram(leaking, {})).to.eventually.be.rejected.with.property('message').that.include('what the node holds')
    })
  })
})
