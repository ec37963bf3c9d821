import { tcp } from '@libp2p/tcp'

/**
 * TCP that dials from a certain address of this machine
 */
export function tcpFrom (localAddress: string): ReturnType<typeof tcp> {
  // passed on to Node, though it is not among the documented options
  const dialOpts: object = { localAddress }

  return tcp({ dialOpts })
}
