import { printable } from '../util/printable.ts'
import type { ScopeStat } from './resource-scope.ts'

/**
 * What a scope holds, or what a request adds. Memory is in bytes.
 */
export interface Usage {
  readonly memory: number
  readonly streamsInbound: number
  readonly streamsOutbound: number
  readonly connsInbound: number
  readonly connsOutbound: number
  readonly fd: number
}

export const NOTHING: Usage = Object.freeze({
  memory: 0,
  streamsInbound: 0,
  streamsOutbound: 0,
  connsInbound: 0,
  connsOutbound: 0,
  fd: 0
})

// made once: each refusal needs one

const INBOUND_STREAM: Usage = Object.freeze({ ...NOTHING, streamsInbound: 1 })
const OUTBOUND_STREAM: Usage = Object.freeze({ ...NOTHING, streamsOutbound: 1 })
const INBOUND_CONNECTION: Usage = Object.freeze({ ...NOTHING, connsInbound: 1 })
const OUTBOUND_CONNECTION: Usage = Object.freeze({ ...NOTHING, connsOutbound: 1 })
const INBOUND_SOCKET: Usage = Object.freeze({ ...INBOUND_CONNECTION, fd: 1 })
const OUTBOUND_SOCKET: Usage = Object.freeze({ ...OUTBOUND_CONNECTION, fd: 1 })

/**
 * A stream without memory
 */
export function oneStream (inbound: boolean): Usage {
  return inbound ? INBOUND_STREAM : OUTBOUND_STREAM
}

/**
 * A connection without memory
 */
export function oneConnection (inbound: boolean, usefd: boolean): Usage {
  if (usefd) {
    return inbound ? INBOUND_SOCKET : OUTBOUND_SOCKET
  }

  return inbound ? INBOUND_CONNECTION : OUTBOUND_CONNECTION
}

/**
 * A stream, or a connection without a file descriptor, for refusals that know no more
 */
export function oneOf (request: 'connection' | 'stream', inbound: boolean): Usage {
  return request === 'stream' ? oneStream(inbound) : oneConnection(inbound, false)
}

export function statOf (usage: Usage): ScopeStat {
  return {
    memory: usage.memory,
    numStreamsInbound: usage.streamsInbound,
    numStreamsOutbound: usage.streamsOutbound,
    numConnsInbound: usage.connsInbound,
    numConnsOutbound: usage.connsOutbound,
    numFD: usage.fd
  }
}

/**
 * A scope and what it holds, for people. Made printable, because a remote may have chosen part of the
 * name.
 */
export function scopeText (scope: { readonly name: string, stat(): ScopeStat }): string {
  const { memory, numConnsInbound, numConnsOutbound, numFD, numStreamsInbound, numStreamsOutbound } = scope.stat()

  return printable(`${scope.name}: memory ${memory} B, streams ${numStreamsInbound} in ${numStreamsOutbound} out, conns ${numConnsInbound} in ${numConnsOutbound} out, fd ${numFD}`)
}
