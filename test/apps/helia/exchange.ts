import assert from 'node:assert/strict'
import { unixfs } from '@helia/unixfs'
import { multiaddr } from '@multiformats/multiaddr'
import { FsBlockstore } from 'blockstore-fs'
import { CID } from 'multiformats/cid'
import { Endings } from '../lib/endings.ts'
import { createHeliaNode } from '../lib/helia-node.ts'
import { withDirectory } from '../lib/with-directory.ts'
import { contents, digest } from './file.ts'
import type { Part } from '../lib/part.ts'

/**
 * In ms, far longer than it takes
 */
const PATIENCE = 600_000

/**
 * What one of two nodes, alice and bob, does: gives files to the other and gets as many
 * from it, over bitswap, all of them at once. Blocks are on disk, as those of a node are.
 *
 * @param part
 * @param sizes - of the files of each node
 * @param listen
 */
export async function exchange (part: Part, sizes: number[], listen: string[]): Promise<unknown> {
  return withDirectory(async directory => {
    const helia = await createHeliaNode(part.managers, { blockstore: new FsBlockstore(directory) }, {}, listen)
    const other = part.role === 'alice' ? 'bob' : 'alice'
    const fs = unixfs(helia)
    const endings = new Endings()
    const files: string[] = []

    endings.watch(helia.libp2p)

    for (const size of sizes) {
      files.push((await fs.addByteStream(contents(`${part.role} ${size}`, size))).toString())
    }

    part.say('files', files)
    part.say('address', helia.libp2p.getMultiaddrs()[0].toString())

    const wanted = await part.heard<string[]>(`${other}.files`)
    const address = await part.heard<string>(`${other}.address`)

    if (part.role === 'alice') {
      await helia.libp2p.dial(multiaddr(address))
      part.say('connected')
    } else {
      await part.heard('alice.connected')
    }

    const received = await part.measure(async () => {
      const signal = AbortSignal.timeout(PATIENCE)

      return Promise.all(wanted.map(async cid => digest(fs.cat(CID.parse(cid), { signal }))))
    })
    const expected = await Promise.all(sizes.map(async size => digest(contents(`${other} ${size}`, size))))

    await part.together('complete')
    endings.stopping()
    await part.together('stopping')
    await helia.stop()
    assert.deepEqual(received, expected)

    return { received, endings: endings.report() }
  })
}
