import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import type { ConnectionEncrypter, MessageStream, PeerId, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'

/**
 * Tells the other end who it talks to, and encrypts nothing. It has the await points of
 * a handshake, and costs no time.
 */
export function plainEncrypter (): (components: { peerId: PeerId }) => ConnectionEncrypter {
  return ({ peerId }) => {
    const secure = async (connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> => {
      const messages = lpStream(connection)

      await messages.write(new TextEncoder().encode(peerId.toString()), options)

      const remote = await messages.read(options)

      messages.unwrap()

      return { connection, remotePeer: peerIdFromString(new TextDecoder().decode(remote.subarray())) }
    }

    return { protocol: '/test-plain/1.0.0', secureInbound: secure, secureOutbound: secure }
  }
}
