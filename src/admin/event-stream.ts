/**
 * One of the events that the server sends
 */
export interface ServerSentEvent {
  event: string
  data: any
}

/**
 * How long an event may be, in characters: far longer than any snapshot is
 */
const MAX_EVENT = 64 * 2 ** 20

/**
 * The events of a live feed, as they arrive: from pages and commands, which send a token in a
 * header as `EventSource` cannot
 *
 * @throws {Error} if an event does not end
 */
export async function * readEvents (body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const reader = body.pipeThrough<string>(new TextDecoderStream() as any).getReader()
  // parts of one event, none of which has its end
  let parts: string[] = []
  let size = 0
  let newline = ''

  try {
    for (;;) {
      const { done, value } = await reader.read()

      if (done) {
        return
      }

      const text = newline + value
      let start = 0

      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n', start)) {
        const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(parts.join('') + text.slice(start, end)) ?? []

        parts = []
        size = 0
        start = end + 2

        if (data !== undefined) {
          yield { event, data: JSON.parse(data) }
        }
      }

      // the end may be in two chunks
      newline = start < text.length && text.endsWith('\n') ? '\n' : ''

      const rest = text.slice(start, text.length - newline.length)

      size += rest.length

      if (size > MAX_EVENT) {
        throw new Error(`expected events, got more than ${MAX_EVENT / 2 ** 20} MiB without an end`)
      }

      parts.push(rest)
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
