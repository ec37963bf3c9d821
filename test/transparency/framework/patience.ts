import type { Libp2pOptions } from 'libp2p'

/**
 * How long programs wait for what must happen, in ms: far longer than it ever takes, however
 * busy the machine is
 */
export const PATIENCE = 30_000

/**
 * Nobody gives up because the machine is busy
 */
export const PATIENT: NonNullable<Libp2pOptions['connectionManager']> = {
  addressDialTimeout: PATIENCE,
  dialTimeout: PATIENCE,
  inboundUpgradeTimeout: PATIENCE,
  inboundStreamProtocolNegotiationTimeout: PATIENCE,
  outboundStreamProtocolNegotiationTimeout: PATIENCE
}
