import { LIMIT_FIELDS } from '../limits/limit.ts'
import { FIELD_LABELS } from '../reporting/metric-family.ts'
import type { FleetState, FleetSummary } from './fleet-stat.ts'
import type { Leases } from './leases.ts'
import type { GaugeFamily, Sample } from '../reporting/metric-family.ts'

const STATES: readonly FleetState[] = ['joining', 'joined', 'lost', 'stopped']

/**
 * Only of limits that are always leased: remotes decide how many others there are
 */
function ofLeases (leases: Leases, amount: 'limit' | 'leased' | 'held'): Sample[] {
  return [...leases.entries()].flatMap(({ ahead, fields, key }) => ahead
    ? fields.map(field => ({ labels: { scope: key, resource: FIELD_LABELS[LIMIT_FIELDS[field.field]] }, value: field[amount] }))
    : [])
}

type View = () => FleetSummary

/**
 * Each sample says of which fleet it is
 */
function family (name: string, help: string, view: View, labelNames: readonly string[], read: () => Sample[]): GaugeFamily {
  return {
    name: `fleet_${name}`,
    help,
    labelNames: ['fleet', ...labelNames],
    read: () => read().map(({ labels, value }) => ({ labels: { fleet: view().name, ...labels }, value }))
  }
}

/**
 * What the metrics of a node say of its fleet
 *
 * @param view - what the node last knew
 * @param leases
 */
export function fleetMetrics (view: View, leases: Leases): readonly GaugeFamily[] {
  const one = (name: string, help: string, read: () => number): GaugeFamily => {
    return family(name, help, view, [], () => [{ labels: {}, value: read() }])
  }
  const several = (name: string, help: string, label: string, read: () => Record<string, number>): GaugeFamily => {
    return family(name, help, view, [label], () => Object.entries(read()).map(([key, value]) => ({ labels: { [label]: key }, value })))
  }
  const ofLimits = (name: 'limit' | 'leased' | 'held', help: string): GaugeFamily => {
    return family(name, help, view, ['scope', 'resource'], () => ofLeases(leases, name))
  }

  return [
    several('state', 'What the node is in its fleet: 1 for one of joining, joined, lost and stopped, 0 for the others', 'state', () => {
      return Object.fromEntries(STATES.map(state => [state, view().state === state ? 1 : 0]))
    }),
    one('age', 'How old what the node knows of its fleet is, in seconds', () => view().age / 1_000),
    one('nodes', 'How many nodes the fleet has, this one included', () => view().nodes),
    ofLimits('limit', 'Limits of the whole fleet: of the system, and of services, protocols and networks that have one of their own'),
    ofLimits('leased', 'How much of such a limit this node may hold now'),
    ofLimits('held', 'How much of such a limit this node holds'),
    one('leases', 'How many scopes and subnets this node has leased room of', () => leases.size),
    several('decisions', 'How many peers and networks the fleet blocks, and how many entries its allow list has', 'kind', () => {
      const { allowed, blocked } = view()

      return { blocked, allowed }
    }),
    counter(one('losses', 'How often leases have ended because the engine did not answer, since the start', () => view().losses)),
    counter(one('ended', 'How many connections have ended because the fleet had more of them than it may, since the start', () => view().ended)),
    counter(several('calls', 'How many calls of the engine there were, and how many of these have failed, since the start', 'kind', () => {
      const { calls, failures } = view()

      return { all: calls, failed: failures }
    }))
  ]
}

function counter (family: GaugeFamily): GaugeFamily {
  return { ...family, isCounter: true }
}
