import { NOTHING } from '../scopes/fixtures.ts'
import type { ScopeStat, TraceEvent } from '../../src/index.ts'

/**
 * What every scope holds, by its name, found out from nothing but what was added and
 * removed. It fails where the trace contradicts itself.
 */
export function replay (events: TraceEvent[]): Map<string, ScopeStat> {
  const scopes = new Map<string, ScopeStat>()

  for (const event of events) {
    const { name = '' } = event

    switch (event.type) {
      case 'start':
        break
      case 'create_scope':
        check(!scopes.has(name), `${name} was created twice`)
        scopes.set(name, { ...NOTHING })
        break
      case 'destroy_scope':
        check(scopes.delete(name), `${name} was destroyed but did not exist`)
        break
      default:
        apply(event, scopes.get(name))
    }
  }

  return scopes
}

function apply (event: TraceEvent, stat?: ScopeStat): void {
  // sessions are in no scope
  if (event.type.startsWith('block_') || event.type.endsWith('_session')) {
    return
  }

  if (stat == null) {
    throw new Error(`${event.type} in ${event.name}, which does not exist`)
  }

  switch (event.type) {
    case 'reserve_memory':
    case 'release_memory':
      stat.memory += event.delta
      check(stat.memory === event.memory, `${event.name} holds ${stat.memory} bytes, but says ${event.memory}`)
      break
    case 'add_stream':
    case 'remove_stream':
      stat.numStreamsInbound += event.deltaIn
      stat.numStreamsOutbound += event.deltaOut
      check(stat.numStreamsInbound === event.streamsIn && stat.numStreamsOutbound === event.streamsOut, `${event.name} does not hold the streams that it says`)
      break
    default:
      stat.numConnsInbound += event.deltaIn
      stat.numConnsOutbound += event.deltaOut
      stat.numFD += event.delta
      check(stat.numConnsInbound === event.connsIn && stat.numConnsOutbound === event.connsOut && stat.numFD === event.fd, `${event.name} does not hold the connections that it says`)
  }
}

function check (condition: boolean, message: string): void {
  if (!condition) {
    throw new Error(message)
  }
}
