import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import delay from 'delay'
import { OPEN_FILES } from './framework/open-files.ts'
import { PATIENCE } from './framework/patience.ts'
import { readAll } from './framework/read-all.ts'
import { World } from './framework/world.ts'

/**
 * How many files the process may have open, and how many peers want to connect to it
 */
const DESCRIPTORS = 128
const PEERS = 140
const ATTEMPTS = 300

/**
 * Plain js-libp2p leaves nothing to the program: whatever it opens fails with EMFILE
 */
describe('a program that may have few files open', function () {
  this.timeout(2 * PATIENCE)

  const world = new World(false)

  before(function () {
    if (process.platform === 'win32') {
      this.skip()
    }
  })

  afterEach(async () => {
    await world.stop()
  })

  it('should be left half of them by its node, however many connect', async () => {
    // native libraries that other tests have used leave descriptors open, which the process would inherit
    const child = spawn('bash', ['-c', `for fd in /proc/self/fd/*; do fd=\${fd##*/}; [[ $fd =~ ^[0-9]+$ && $fd -gt 2 ]] && eval "exec $fd>&-"; done; ulimit -n ${DESCRIPTORS} && exec "$0" "$@"`, process.execPath, ...process.execArgv, fileURLToPath(new URL('./framework/few-descriptors.ts', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // it says what it cannot have, as it should
      env: { ...process.env, NODE_NO_WARNINGS: '1' }
    })
    const exited = once(child, 'exit')

    try {
      const [line] = await Promise.race([once(child.stdout, 'data'), exited.then(() => { throw new Error('the process has ended') })])
      const address = multiaddr(String(line).trim())
      const peers = await Promise.all(Array.from({ length: PEERS }, async () => world.create({ transports: [tcp()] })))
      const [asker] = peers

      // before anybody else
      await asker.dial(address)
      await Promise.allSettled(peers.slice(1).map(async peer => peer.dial(address)))

      const ask = async (): Promise<{ connections: number, files: string[] }> => {
        const stream = await asker.dialProtocol(address, OPEN_FILES)
        const answer = readAll(stream)
        await stream.close()

        return JSON.parse(new TextDecoder().decode(await answer))
      }

      let { connections, files } = await ask()

      // sockets that are refused have been accepted, and take a moment to go
      for (let i = 0; i < ATTEMPTS && files.some(file => file !== 'open'); i++) {
        await delay(100)
        ;({ connections, files } = await ask())
      }

      expect(files).to.deep.equal(Array(20).fill('open'))
      expect(connections).to.be.within(DESCRIPTORS / 4, DESCRIPTORS / 2)
    } finally {
      child.stdin.end()
      await exited
    }
  })
})
