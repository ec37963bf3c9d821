import { LIMIT_FIELDS } from '../limits/limit.ts'
import { FIELD_LABELS } from '../reporting/metric-family.ts'
import type { FleetBitrateStat, FleetState, FleetStat, FleetSummary } from './fleet-stat.ts'
import type { Leases } from './leases.ts'
import type { GaugeFamily, Sample } from '../reporting/metric-family.ts'

const STATES: readonly FleetState[] = ['joining', 'joined', 'lost', 'stopped']

/** What metrics of sessions call them */
const DIRECTIONS: Record<string, string> = { rx: 'ingress', tx: 'egress' }

/**
 * Only of limits that are always leased: remotes decide how many others there are
 */
function ofLeases (leases: Leases, amount: 'limit' | 'leased' | 'held'): Sample[] {
  return [...leases.entries()].flatMap(({ ahead, fields, key }) => ahead
    ? fields.map(field => ({ labels: { scope: key, resource: FIELD_LABELS[LIMIT_FIELDS[field.field]] }, value: field[amount] }))
    : [])
}

/**
 * The direction of a bit rate is the end of its name
 */
function ofBitrates (bitrates: FleetBitrateStat[], figure: 'limit' | 'bitrate' | 'used'): Sample[] {
  return bitrates.map(stat => {
    const at = stat.name.lastIndexOf(' ')

    return { labels: { scope: stat.name.slice(0, at), dir: DIRECTIONS[stat.name.slice(at + 1)] }, value: stat[figure] }
  })
}

type View = () => FleetSummary

/** What there is of rates whoever comes */
type Rates = () => Pick<FleetStat, 'rates' | 'bitrates'>

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
 * @param rates
 */
export function fleetMetrics (view: View, leases: Leases, rates: Rates): readonly GaugeFamily[] {
  const one = (name: string, help: string, read: () => number): GaugeFamily => {
    return family(name, help, view, [], () => [{ labels: {}, value: read() }])
  }
  const several = (name: string, help: string, label: string, read: () => Record<string, number>): GaugeFamily => {
    return family(name, help, view, [label], () => Object.entries(read()).map(([key, value]) => ({ labels: { [label]: key }, value })))
  }
  const ofLimits = (name: 'limit' | 'leased' | 'held', help: string): GaugeFamily => {
    return family(name, help, view, ['scope', 'resource'], () => ofLeases(leases, name))
  }
  const ratesOf = (name: string, help: string, figure: 'rate' | 'tokens' | 'accepted'): GaugeFamily => {
    return family(name, help, view, ['scope'], () => rates().rates.map(stat => ({ labels: { scope: stat.name }, value: stat[figure] })))
  }
  const bitratesOf = (name: string, help: string, figure: 'limit' | 'bitrate' | 'used'): GaugeFamily => {
    return family(name, help, view, ['scope', 'dir'], () => ofBitrates(rates().bitrates, figure))
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
    ratesOf('rate_limit', 'How many connections in a second the whole fleet accepts for long: of all, and of networks that have a rate of their own', 'rate'),
    ratesOf('rate_tokens', 'How many connections this node may accept of such a rate until it has asked again', 'tokens'),
    counter(ratesOf('rate_accepted', 'How many connections this node has accepted of such a rate, since the rate was set and while the engine answered', 'accepted')),
    bitratesOf('bitrate_limit', 'Bit rates of the whole fleet, in bit/s: of all streams, and of collectors', 'limit'),
    bitratesOf('bitrate_share', 'How much of such a bit rate this node may use now, in bit/s', 'bitrate'),
    bitratesOf('bitrate', 'How much of such a bit rate this node has used lately, in bit/s', 'used'),
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
