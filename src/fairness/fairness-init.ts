import { ANY } from '../util/description.ts'
import { checkPrefixLength } from '../util/ip-network.ts'
import { checkList, checkObject, checkWholeNumber, invalid } from '../util/validation.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * How many bits the addresses of one group have in common
 */
export interface PrefixLengths {
  /** From 0 to 32 */
  ipv4: number

  /** From 0 to 128 */
  ipv6: number
}

/**
 * How a full scope is shared
 */
export interface FairnessInit {
  /**
   * How many bits the addresses of one network have in common. A full scope is shared by
   * networks first, because one operator can easily have very many addresses in one network.
   *
   * @default { ipv4: 16, ipv6: 32 }, as in Bitcoin Core
   */
  networks?: Partial<PrefixLengths>

  /**
   * The same for subnets, which share what their network has
   *
   * @default { ipv4: 24, ipv6: 48 }
   */
  subnets?: Partial<PrefixLengths>

  /**
   * The same for hosts, which share what their subnet has
   *
   * @default { ipv4: 32, ipv6: 56 }
   */
  hosts?: Partial<PrefixLengths>

  /**
   * How many connections of each of three kinds never give way: those with the lowest
   * round-trip times, those that have been there longest, and those that carried a stream of a
   * service in `useful` last. They are from different networks, which a secret of the process
   * chooses. Together they are at most half of what the scope may hold. 0 protects none.
   *
   * @default 8, as many as Bitcoin Core protects by ping time
   */
  protect?: number

  /**
   * Services that this node is there for: connections that carried a stream of one lately do
   * not give way. Name only services that cost a remote some effort.
   *
   * @default []
   */
  useful?: string[]

  /**
   * How much of a CPU the handshakes of inbound connections may take while the event loop is
   * late or, in Node.js, never idle. If remotes then begin more of them, the networks, subnets
   * and hosts that begin most are refused, so a flood from many addresses does not keep the
   * node busy. The longer the event loop stays like this, the smaller the budget gets, down to
   * a half. Allowlisted addresses are exempt. `false` turns it off.
   *
   * @default { cpu: 0.5 }, which are about 170 handshakes in a second, and ten times as many at once
   */
  handshakes?: HandshakesInit | false
}

/**
 * How much time the handshakes of inbound connections may take
 */
export interface HandshakesInit {
  /**
   * The share of one CPU, above 0, up to 1
   *
   * @default 0.5
   */
  cpu?: number
}

/**
 * What makes a group, level by level
 */
export interface Groups {
  readonly networks: PrefixLengths
  readonly subnets: PrefixLengths
  readonly hosts: PrefixLengths
}

export interface FairnessConfig extends Groups {
  readonly protect: number
  readonly useful: ReadonlySet<string>

  /** The share of a CPU that handshakes may take, or `undefined` for any */
  readonly handshakes?: number
}

const DEFAULTS: Groups = {
  networks: { ipv4: 16, ipv6: 32 },
  subnets: { ipv4: 24, ipv6: 48 },
  hosts: { ipv4: 32, ipv6: 56 }
}

/**
 * Eight of a kind: what Bitcoin Core protects by ping time
 */
const DEFAULT_PROTECT = 8

/**
 * More would only be slower to choose
 */
const MAX_PROTECT = 1024

const DEFAULT_CPU = 0.5

const LEVELS = ['networks', 'subnets', 'hosts'] as const

/**
 * @throws {InvalidParametersError} naming the value that cannot be used
 */
export function resolveFairness (init: FairnessInit = {}): FairnessConfig {
  checkObject('fairness', init)
  checkList('fairness.useful', init.useful)
  checkWholeNumber('fairness.protect', init.protect ?? DEFAULT_PROTECT, 0, MAX_PROTECT)

  const useful = init.useful ?? []

  useful.forEach((service, i) => {
    if (typeof service !== 'string' || service === '') {
      throw invalid(`fairness.useful[${i}]`, 'the name of a service', service)
    }
  })

  const groups = {
    networks: lengthsOf('networks', init),
    subnets: lengthsOf('subnets', init),
    hosts: lengthsOf('hosts', init)
  }

  checkNesting(groups)

  return { ...groups, protect: init.protect ?? DEFAULT_PROTECT, useful: new Set(useful), handshakes: cpuOf(init.handshakes) }
}

function cpuOf (init: FairnessInit['handshakes'] = {}): number | undefined {
  if (init === false) {
    return
  }

  checkObject('fairness.handshakes', init)

  const { cpu = DEFAULT_CPU } = init

  if (typeof cpu !== 'number' || !(cpu > 0 && cpu <= 1)) {
    throw invalid('fairness.handshakes.cpu', 'a number above 0, up to 1', cpu)
  }

  return cpu
}

function lengthsOf (level: keyof Groups, init: FairnessInit): PrefixLengths {
  const given = init[level] ?? {}

  checkObject(`fairness.${level}`, given)

  const lengths = { ...DEFAULTS[level], ...given }

  checkPrefixLength(`fairness.${level}.ipv4`, lengths.ipv4, 4)
  checkPrefixLength(`fairness.${level}.ipv6`, lengths.ipv6, 6)

  return lengths
}

/**
 * A group must be part of the one above it
 */
function checkNesting (groups: Groups): void {
  for (const [i, level] of LEVELS.entries()) {
    const above = LEVELS[i - 1]

    for (const version of ['ipv4', 'ipv6'] as const) {
      if (above !== undefined && groups[level][version] < groups[above][version]) {
        throw invalid(`fairness.${level}.${version}`, `at least fairness.${above}.${version}, ${groups[above][version]}`, groups[level][version])
      }
    }
  }
}

const PREFIX_LENGTHS = { ipv4: ANY, ipv6: ANY } as const

/**
 * Who shares what is full with whom
 */
export const FAIRNESS_OPTIONS = {
  fairness: { networks: PREFIX_LENGTHS, subnets: PREFIX_LENGTHS, hosts: PREFIX_LENGTHS, protect: ANY, useful: ANY, handshakes: { cpu: ANY } }
} as const satisfies DescriptionOf<{ fairness?: FairnessInit | false }>
