import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Socket } from 'node:net'

/**
 * What RFC 6455 calls them
 */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 }

/**
 * What makes the answer to a key (RFC 6455, section 1.3)
 */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const KEY_LENGTH = 16

/**
 * Longer answers are none
 */
const MAX_HEAD_LENGTH = 16 * 1024

/**
 * How the length of a payload is written (RFC 6455, section 5.2)
 */
const LENGTH_16 = 126
const LENGTH_64 = 127
const MAX_LENGTH_7 = 125
const MAX_LENGTH_16 = 0xffff

const FIN_BIT = 0x80
const MASK_BIT = 0x80

export interface FrameInit {
  opcode?: number
  payload?: Uint8Array

  /** @default true */
  fin?: boolean

  /** The three reserved bits, which nobody may set */
  reserved?: number

  /** @default true */
  masked?: boolean

  /** How long the payload is said to be, in bytes. What is missing may come later. */
  length?: number
}

function encodeLength (length: number): Buffer {
  if (length <= MAX_LENGTH_7) {
    return Buffer.of(length)
  }

  const bytes = Buffer.alloc(length <= MAX_LENGTH_16 ? 3 : 9)

  if (length <= MAX_LENGTH_16) {
    bytes[0] = LENGTH_16
    bytes.writeUInt16BE(length, 1)
  } else {
    bytes[0] = LENGTH_64
    bytes.writeBigUInt64BE(BigInt(length), 1)
  }

  return bytes
}

/**
 * A frame as clients send them, or should not. The mask is zero, so that a payload is sent as it is.
 */
export function encodeFrame ({ opcode = OPCODE.binary, payload = new Uint8Array(), fin = true, reserved = 0, masked = true, length = payload.byteLength }: FrameInit): Buffer {
  const head = encodeLength(length)

  head[0] |= masked ? MASK_BIT : 0

  return Buffer.concat([
    Buffer.of((fin ? FIN_BIT : 0) | (reserved & 7) << 4 | (opcode & 0xf)),
    head,
    masked ? Buffer.alloc(4) : Buffer.alloc(0),
    payload
  ])
}

export function upgradeRequest (key: string = randomBytes(KEY_LENGTH).toString('base64')): string {
  return [
    'GET / HTTP/1.1',
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
    '',
    ''
  ].join('\r\n')
}

function answerTo (key: string): string {
  return createHash('sha1').update(key + KEY_SUFFIX).digest('base64')
}

/**
 * What a server answers with that accepts a request
 */
export function upgradeAnswer (request: string): string {
  const key = /sec-websocket-key: (\S+)/i.exec(request)?.[1] ?? ''

  return [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${answerTo(key)}`,
    '',
    ''
  ].join('\r\n')
}

export interface ClientOptions {
  host: string
  port: number

  /** The address of this machine that it connects from */
  localAddress?: string

  /** Over TLS, whoever the other end is */
  secure?: boolean
  signal?: AbortSignal
}

/**
 * Opens a socket, plain or TLS
 */
export async function openSocket ({ host, port, localAddress, secure = false, signal }: ClientOptions): Promise<Socket> {
  const socket = secure
    ? connectTls({ host, port, localAddress, rejectUnauthorized: false } as any)
    : connectPlain({ host, port, localAddress })

  try {
    await once(socket, secure ? 'secureConnect' : 'connect', { signal })
  } catch (err) {
    socket.destroy()
    throw err
  } finally {
    // whatever happens to it later is told by `close`
    socket.on('error', () => {})
  }

  return socket
}

/**
 * Reads up to the end of the head of an HTTP message
 */
async function readHead (socket: Socket, signal?: AbortSignal): Promise<string> {
  let read = Buffer.alloc(0)

  while (read.byteLength < MAX_HEAD_LENGTH) {
    const chunk: Buffer | null = socket.read()

    if (chunk == null) {
      if (socket.destroyed || socket.readableEnded) {
        break
      }

      await Promise.race([once(socket, 'readable', { signal }), once(socket, 'close', { signal })])
      continue
    }

    read = Buffer.concat([read, chunk])

    const end = read.indexOf('\r\n\r\n')

    if (end !== -1) {
      socket.unshift(read.subarray(end + 4))

      return read.subarray(0, end).toString('latin1')
    }
  }

  throw new Error('the other end has not answered with HTTP')
}

/**
 * Opens a socket and makes it a WebSocket, whose frames are the caller's
 *
 * @throws {Error} If the other end does not accept it
 */
export async function openWebSocket (options: ClientOptions): Promise<Socket> {
  const socket = await openSocket(options)

  try {
    const key = randomBytes(KEY_LENGTH).toString('base64')

    socket.write(upgradeRequest(key))

    const head = await readHead(socket, options.signal)

    if (!head.startsWith('HTTP/1.1 101') || !head.includes(answerTo(key))) {
      throw new Error('the other end does not want a WebSocket')
    }

    return socket
  } catch (err) {
    socket.destroy()
    throw err
  }
}

export interface Frame {
  opcode: number
  payload: Buffer
}

/**
 * Takes the payloads out of frames that a server sends: whole messages of bytes, and not masked
 */
export class FrameDecoder {
  #received: Buffer = Buffer.alloc(0)

  /**
   * What has been completed by a chunk
   */
  decode (chunk: Buffer): Frame[] {
    const frames: Frame[] = []

    this.#received = this.#received.byteLength === 0 ? chunk : Buffer.concat([this.#received, chunk])

    for (let frame = this.#next(); frame != null; frame = this.#next()) {
      frames.push(frame)
    }

    return frames
  }

  #next (): Frame | undefined {
    const received = this.#received

    if (received.byteLength < 2) {
      return
    }

    let length = received[1] & ~MASK_BIT
    let start = 2

    if (length === LENGTH_16) {
      start = 4
      length = received.byteLength < start ? Infinity : received.readUInt16BE(2)
    } else if (length === LENGTH_64) {
      start = 10
      length = received.byteLength < start ? Infinity : Number(received.readBigUInt64BE(2))
    }

    if (received.byteLength < start + length) {
      return
    }

    this.#received = received.subarray(start + length)

    return { opcode: received[0] & 0xf, payload: received.subarray(start, start + length) }
  }
}
