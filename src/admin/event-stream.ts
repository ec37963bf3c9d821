/**
 * One of the events that the server sends
 */
export interface ServerSentEvent {
  event: string
  data: any
}

/**
 * The events of a live feed, as they arrive: from pages and commands, which send a token in a
 * header as `EventSource` cannot
 */
export async function * readEvents (body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const reader = body.pipeThrough<string>(new TextDecoderStream() as any).getReader()
  let buffered = ''

  try {
    for (;;) {
      const { done, value } = await reader.read()

      if (done) {
        return
      }

      buffered += value

      for (let end = buffered.indexOf('\n\n'); end !== -1; end = buffered.indexOf('\n\n')) {
        const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(buffered.slice(0, end)) ?? []

        buffered = buffered.slice(end + 2)

        if (data !== undefined) {
          yield { event, data: JSON.parse(data) }
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
