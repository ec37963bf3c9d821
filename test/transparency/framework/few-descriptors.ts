/**
 * A process that may open few files, whose node accepts whoever comes, and which opens files
 * when it is asked to. It ends with its parent.
 */

import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../../../src/index.ts'
import { BUSY } from './busy-node.ts'
import { OPEN_FILES } from './open-files.ts'

const node = await createLibp2p({
  ...BUSY,
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { resourceManager: resourceManager() }
})

await node.handle(OPEN_FILES, async stream => {
  const opened = await Promise.allSettled(Array.from({ length: 20 }, async () => open(fileURLToPath(import.meta.url))))

  stream.send(new TextEncoder().encode(JSON.stringify({
    connections: node.getConnections().length,
    files: opened.map(result => result.status === 'fulfilled' ? 'open' : result.reason.code)
  })))
  await Promise.all(opened.map(async result => result.status === 'fulfilled' && result.value.close()))
  await stream.close()
})

process.stdin.resume().on('end', () => { process.exit() })
process.stdout.write(`${node.getMultiaddrs()[0]}\n`)
