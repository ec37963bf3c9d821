import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/**
 * The page loads everything from here, runs only our own files, and cannot be put into a frame.
 * Text of remote peers can only become text, never elements.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join('; ')

/**
 * What every answer has
 */
const HEADERS: OutgoingHttpHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff'
}

/**
 * A request that cannot be answered, and why
 */
export class RequestError extends Error {
  static name = 'RequestError'
  name = 'RequestError'
  readonly status: number
  readonly headers: OutgoingHttpHeaders

  constructor (status: number, message: string, headers: OutgoingHttpHeaders = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/**
 * JSON has no infinity. Limits are called as in our files; how full a limit of 0 is cannot be
 * said.
 */
function replacer (key: string, value: unknown): unknown {
  if (value !== Infinity) {
    return value
  }

  return key === 'percent' ? null : 'unlimited'
}

export function toText (value: unknown): string {
  return JSON.stringify(value, replacer)
}

export function beginAnswer (res: ServerResponse, status: number, type: string, headers: OutgoingHttpHeaders = {}): void {
  res.writeHead(status, { ...HEADERS, 'content-type': type, ...headers })
}

export function answer (res: ServerResponse, status: number, type: string, body: string | Uint8Array, headers: OutgoingHttpHeaders = {}): void {
  beginAnswer(res, status, type, { 'content-length': Buffer.byteLength(body), ...headers })
  res.end(body)
}

export function answerJSON (res: ServerResponse, value: unknown, status = 200, headers?: OutgoingHttpHeaders): void {
  answer(res, status, 'application/json; charset=utf-8', `${toText(value)}\n`, headers)
}

/**
 * One problem a line
 */
export function answerError (res: ServerResponse, { headers, message, status }: RequestError): void {
  answerJSON(res, { error: message, problems: message.split('\n').map(line => line.trim()) }, status, headers)
}

/**
 * The body of a request, up to a number of bytes
 *
 * @throws {RequestError} if it is longer or no UTF-8
 */
export async function readBody (req: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0

  for await (const chunk of req) {
    size += chunk.byteLength

    if (size > maxBytes) {
      throw new RequestError(413, `expected at most ${maxBytes} bytes`, { connection: 'close' })
    }

    chunks.push(chunk)
  }

  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw new RequestError(400, 'expected text in UTF-8')
  }
}
