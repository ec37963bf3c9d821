import { connectionsManyAddresses } from './connections-many-addresses.ts'
import { connectionsManyPeers } from './connections-many-peers.ts'
import { connectionsOneAddress } from './connections-one-address.ts'
import { floodTwoAddressesTcp, floodTwoAddressesWebSockets } from './defaults/flood-two-addresses.ts'
import { halfOpenCircuits } from './defaults/half-open-circuits.ts'
import { refusedWebSockets, silentSocketsTcp, silentSocketsWebSockets } from './defaults/idle-sockets.ts'
import { unfinishedMessages, unfinishedMessagesOfPeers } from './defaults/unfinished-messages.ts'
import { unreadSmallTcp, unreadSmallWebSockets } from './defaults/unread-small.ts'
import { halfOpenSockets } from './half-open-sockets.ts'
import { halfOpenStreams } from './half-open-streams.ts'
import { handshakeFlood } from './handshake-flood.ts'
import { HELD } from './held.ts'
import { openAndReset } from './open-and-reset.ts'
import { refusalStorm } from './refusal-storm.ts'
import { slowIterator } from './slow-iterator.ts'
import { liveReaders, slowReaders } from './slow-readers.ts'
import { streamsManyConnections } from './streams-many-connections.ts'
import { streamsOneConnection } from './streams-one-connection.ts'
import { tinyFramesAttack } from './tiny-frames.ts'
import { unreadData } from './unread-data.ts'
import { unreadReplies } from './unread-replies.ts'
import { writeHog } from './write-hog.ts'
import type { Attack } from './framework/attack.ts'

export const ATTACKS: readonly Attack[] = [
  connectionsOneAddress,
  connectionsManyAddresses,
  connectionsManyPeers,
  halfOpenSockets,
  halfOpenStreams,
  streamsOneConnection,
  streamsManyConnections,
  openAndReset,
  unreadData,
  slowIterator,
  tinyFramesAttack,
  writeHog,
  slowReaders,
  liveReaders,
  unreadReplies,
  refusalStorm,
  ...HELD,
  handshakeFlood,
  unfinishedMessages,
  unfinishedMessagesOfPeers,
  silentSocketsTcp,
  silentSocketsWebSockets,
  refusedWebSockets,
  unreadSmallTcp,
  unreadSmallWebSockets,
  floodTwoAddressesTcp,
  floodTwoAddressesWebSockets,
  halfOpenCircuits
]

/**
 * @throws {Error} If there is no such attack
 */
export function findAttack (name: string): Attack {
  const attack = ATTACKS.find(attack => attack.name === name)

  if (attack == null) {
    throw new Error(`there is no attack "${name}", only ${ATTACKS.map(({ name }) => name).join(', ')}`)
  }

  return attack
}
