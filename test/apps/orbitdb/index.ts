/**
 * Two peers of an OrbitDB, each in a process of its own. Most entries are there before
 * the reader opens the database, and it gets them over bitswap. The others it follows
 * over gossipsub.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { on, once } from 'node:events'
import { join } from 'node:path'
import { gossipsub } from '@libp2p/gossipsub'
import { multiaddr } from '@multiformats/multiaddr'
import { createOrbitDB } from '@orbitdb/core'
import { Endings } from '../lib/endings.ts'
import { createHeliaNode } from '../lib/helia-node.ts'
import { play } from '../lib/part.ts'
import { withDirectory } from '../lib/with-directory.ts'
import type { Part } from '../lib/part.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Database, OrbitDB } from '@orbitdb/core'

const ENTRIES = 10_000

/**
 * For each of those that come over gossipsub OrbitDB verifies 17 signatures
 */
const FOLLOWED = 500

/**
 * In ms, far longer than it takes
 */
const PATIENCE = 600_000

/**
 * @returns What is the same for the same entries, and what is the same for the same log
 */
async function digest (database: Database): Promise<{ values: string, log: string }> {
  const values = createHash('sha256')
  const log = createHash('sha256')
  let count = 0

  for await (const { hash, value } of database.iterator()) {
    values.update(`${value}\n`)
    log.update(`${hash}\n`)
    count++
  }

  return { values: `${count} entries ${values.digest('hex')}`, log: log.digest('hex') }
}

async function add (database: Database, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    await database.add(`entry ${i}`)
  }
}

async function write (part: Part, _libp2p: Libp2p, orbitdb: OrbitDB): Promise<Database> {
  const database = await orbitdb.open('entries')

  await add(database, 0, ENTRIES - FOLLOWED)
  part.say('database', database.address)
  await part.heard('reader.following')
  await part.measure(async () => add(database, ENTRIES - FOLLOWED, ENTRIES))

  return database
}

async function read (part: Part, libp2p: Libp2p, orbitdb: OrbitDB): Promise<Database> {
  await libp2p.dial(multiaddr(await part.heard<string>('writer.address')))

  const address = await part.heard<string>('writer.database')
  const signal = AbortSignal.timeout(PATIENCE)

  return part.measure(async () => {
    const database = await orbitdb.open(address)
    const updates = on(database.events, 'update', { signal })

    // the heads of the writer, and all entries before them
    await once(database.events, 'join', { signal })
    part.say('following')

    for await (const [{ payload: { value } }] of updates) {
      if (value === `entry ${ENTRIES - 1}`) {
        break
      }
    }

    return database
  })
}

await play(async part => withDirectory(async directory => {
  const helia = await createHeliaNode(part.managers, {}, { pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) })
  const orbitdb = await createOrbitDB({ ipfs: helia, directory: join(directory, 'orbitdb') })
  const endings = new Endings()

  endings.watch(helia.libp2p)
  part.say('address', helia.libp2p.getMultiaddrs()[0].toString())

  const writes = part.role === 'writer'
  const database = await (writes ? write : read)(part, helia.libp2p, orbitdb)
  const { values, log } = await digest(database)

  part.say('log', log)
  assert.equal(log, await part.heard(`${writes ? 'reader' : 'writer'}.log`))
  endings.stopping()
  await part.together('stopping')
  await orbitdb.stop()
  await helia.stop()

  return { values, endings: endings.report() }
}))
