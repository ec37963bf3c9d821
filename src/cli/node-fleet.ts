import { formatBytes } from '../reporting/scope-state.ts'
import { printable } from '../util/printable.ts'
import { isRecord } from '../util/validation.ts'
import { askNode, hasShape, isListOf } from './node-request.ts'
import { writeTable } from './table.ts'
import { writeLine } from './terminal.ts'
import type { NodeOptions } from './node-request.ts'
import type { Terminal } from './terminal.ts'
import type { FleetNode, FleetNodeStat, FleetStat, NodeSummary } from '../fleet/fleet-stat.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'

/**
 * What a node knows of its fleet, and what all nodes hold unless the engine of the fleet does not
 * answer
 */
interface FleetAnswer {
  view: FleetStat
  nodes?: FleetNode[]
  total?: NodeSummary
  error?: string
}

/**
 * The fleet of a node, beside others that the node has said
 */
export interface FleetOfNode extends FleetStat {
  /** What each node has told the others. Empty where the engine does not answer. */
  members: FleetNode[]

  /** What all of them hold together */
  total?: NodeSummary
}

const SCOPE = { memory: 'number', numStreamsInbound: 'number', numStreamsOutbound: 'number', numConnsInbound: 'number', numConnsOutbound: 'number', numFD: 'number' } as const

const SESSIONS = { sessions: 'number', rxBitrate: 'number', txBitrate: 'number', rxBytes: 'number', txBytes: 'number' } as const

function isSummary (value: unknown): boolean {
  return hasShape(value, { peerCount: 'number' }) && isRecord(value) && hasShape(value.system, SCOPE) &&
    isRecord(value.sessions) && Object.values(value.sessions).every(sums => hasShape(sums, SESSIONS))
}

function isFleet (answer: any): boolean {
  return isRecord(answer) && hasShape(answer.view, { name: 'string', node: 'string', state: 'string', nodes: 'number', error: 'optional' }) &&
    (typeof answer.error === 'string' || (isListOf(answer.nodes, { node: 'string', age: 'number' }) && [...answer.nodes as unknown[], answer.total].every(isSummary)))
}

/**
 * Asks a node for what its whole fleet holds
 */
export async function askFleet (options: NodeOptions): Promise<FleetOfNode> {
  const { error, nodes = [], total, view } = await askNode<FleetAnswer>(options, 'fleet', isFleet)

  return { ...view, ...error === undefined ? {} : { error }, members: nodes, total }
}

/**
 * The names of the nodes of a fleet, of which one is the node that was asked: of several with its name, the one
 * that was heard last. A run of it that has ended is there until its lease ends.
 */
export function memberNames (members: FleetNodeStat[], name: string): string[] {
  const [own] = members.filter(({ node }) => node === name).sort((a, b) => a.age - b.age)

  return members.map(member => member === own ? `${member.node} (this one)` : member.node)
}

/**
 * An age in ms, which JSON has no number for where there is none
 */
export function formatAge (age: number | string): string {
  return typeof age === 'number' ? `${(age / 1000).toFixed(1)} s` : 'none yet'
}

/**
 * The columns of what a scope holds
 */
export const SCOPE_COLUMNS = ['conns in', 'out', 'streams in', 'out', 'fd', 'memory'].map(title => ({ title, align: 'right' as const }))

/**
 * A cell for each of them
 */
export function scopeCells ({ memory, numConnsInbound, numConnsOutbound, numFD, numStreamsInbound, numStreamsOutbound }: ScopeStat): string[] {
  return [...[numConnsInbound, numConnsOutbound, numStreamsInbound, numStreamsOutbound, numFD].map(String), formatBytes(memory)]
}

/**
 * Writes what all nodes of a fleet hold, together and each, and the sessions of all of them
 */
export function writeFleet (terminal: Terminal, { age, error, members, name, node, nodes, state, total }: FleetOfNode): void {
  const problem = error === undefined ? '' : `: ${printable(error)}`

  writeLine(terminal.stdout, `\nfleet ${printable(name)}, ${printable(state)}, ${nodes} nodes, known for ${printable(formatAge(age))}${problem}`)

  if (total === undefined) {
    return
  }

  const names = memberNames(members, node)

  writeTable(terminal, ['node', { title: 'said', align: 'right' }, ...SCOPE_COLUMNS, { title: 'peers', align: 'right' }], [
    ['all together', '', ...scopeCells(total.system), String(total.peerCount)],
    ...members.map(({ age, peerCount, system }, i) => [names[i], `${formatAge(age)} ago`, ...scopeCells(system), String(peerCount)])
  ])

  const collectors = Object.entries(total.sessions)

  if (collectors.length > 0) {
    writeLine(terminal.stdout, '')
    writeTable(terminal, ['collector', ...['sessions', 'kbit/s in', 'out', 'received', 'sent'].map(title => ({ title, align: 'right' as const }))], collectors.map(([id, { rxBitrate, rxBytes, sessions, txBitrate, txBytes }]) => [
      id, String(sessions), (rxBitrate / 1000).toFixed(0), (txBitrate / 1000).toFixed(0), formatBytes(rxBytes), formatBytes(txBytes)
    ]))
  }
}
