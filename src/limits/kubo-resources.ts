import { InvalidParametersError } from '@libp2p/interface'
import { isRecord } from '../util/validation.ts'

/**
 * The prefixes of kubo's names of scopes, and where their limits are in files
 */
const SCOPES: ReadonlyArray<readonly [start: string, section: string]> = [['svc:', 'Service'], ['proto:', 'Protocol'], ['peer:', 'Peer']]
const SINGLES: Record<string, string> = { system: 'System', transient: 'Transient' }

/**
 * A limit in the output of `ipfs swarm resources --enc=json`, as kubo has it since 0.19
 */
interface ResourceInfo {
  ScopeName: string
  LimitName: string
  LimitValue: unknown
  CurrentUsage?: unknown
}

function isResourceInfo (value: unknown): value is ResourceInfo {
  return isRecord(value) && typeof value.ScopeName === 'string' && typeof value.LimitName === 'string' && value.LimitValue !== undefined
}

/**
 * Whether something says only what was in use, as `ipfs swarm stats` of kubo did until 0.17
 */
function isUsageOnly (value: unknown): boolean {
  return isRecord(value) && Object.values(value).some(scope => isRecord(scope) && 'NumConnsInbound' in scope)
}

/**
 * The output of `ipfs swarm resources --enc=json` as a file with limits. What was in use stays
 * beside each limit, as kubo 0.18 wrote it. Any other value is returned as it is.
 *
 * @throws {InvalidParametersError} if it is what `ipfs swarm stats` says, in which there are no limits, or
 * a scope has a name of another kind
 */
export function limitsOfResources (value: unknown): unknown {
  if (isUsageOnly(value)) {
    throw new InvalidParametersError('expected limits, got what was in use, as from ipfs swarm stats (ipfs swarm limit and ipfs swarm resources say limits)')
  }

  if (!Array.isArray(value) || value.length === 0 || !value.every(isResourceInfo)) {
    return value
  }

  const sections: Record<string, any> = {}

  for (const { CurrentUsage, LimitName, LimitValue, ScopeName } of value) {
    const scope = scopeIn(sections, ScopeName)

    scope[LimitName] = LimitValue

    if (CurrentUsage !== undefined) {
      scope[`${LimitName}Usage`] = CurrentUsage
    }
  }

  return sections
}

function scopeIn (sections: Record<string, any>, name: string): Record<string, unknown> {
  const single = SINGLES[name]

  if (Object.hasOwn(SINGLES, name)) {
    sections[single] ??= {}

    return sections[single]
  }

  const [start, section] = SCOPES.find(([start]) => name.startsWith(start)) ?? []

  if (start === undefined || section === undefined) {
    throw new InvalidParametersError(`ScopeName: expected system, transient, svc:…, proto:… or peer:…, got ${JSON.stringify(name)}`)
  }

  // names of protocols are those of remotes
  const scopes = sections[section] ?? Object.create(null)
  const key = name.slice(start.length)

  sections[section] = scopes
  scopes[key] ??= {}

  return scopes[key]
}
