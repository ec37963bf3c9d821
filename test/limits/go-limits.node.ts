import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { apply, build, toPartialLimitConfig } from '../../src/limits/build-limits.ts'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { goServiceLimits, addServiceLimits } from '../../src/limits/default-service-limits.ts'
import { InfiniteLimits } from '../../src/limits/infinite-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from '../../src/limits/limit-config.ts'
import { LIMIT_FIELDS } from '../../src/limits/limit.ts'
import { limitsFromJSON, limitsToJSON } from '../../src/limits/limits-json.ts'
import { ScalingLimitConfig } from '../../src/limits/scaling-limit-config.ts'
import { FILE } from '../../src/limits/spelling.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { ScalingLimit, ScalingLimitConfigInit } from '../../src/limits/scale.ts'

interface Vector {
  op: {
    op: 'scale' | 'build' | 'apply' | 'parse'
    memory?: number
    fds?: number
    serviceLimits?: boolean
    infinite?: boolean
    scaling?: Record<string, any>
    limits?: any
    with?: any
  }
  result: {
    ok: boolean
    limits?: any
  }
}

async function readFixture (name: string): Promise<any> {
  return JSON.parse(await readFile(`test/fixtures/${name}`, 'utf8'))
}

/**
 * The vectors have negative numbers, which we refuse. Go reads -1 as unlimited
 * and -2 as blockAll, and takes all others as limits that are always exceeded.
 * Go's largest number, which it keeps when it only reads and writes, is unlimited
 * for us.
 */
function translate (value: any): any {
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, translate(entry)]))
  }

  if (Number(value) < 0) {
    return Number(value) === -1 ? 'unlimited' : 'blockAll'
  }

  return Number(value) > Number.MAX_SAFE_INTEGER ? 'unlimited' : value
}

const GO_SCOPE_NAMES: Record<string, string> = {
  serviceDefault: 'Service',
  servicePeerDefault: 'ServicePeer',
  protocolDefault: 'Protocol',
  protocolPeerDefault: 'ProtocolPeer',
  peerDefault: 'Peer'
}

function toScalingLimit (base: Record<string, number> = {}, increase: Record<string, number> = {}): ScalingLimit {
  return {
    base: Object.fromEntries(LIMIT_FIELDS.map(field => [field, base[FILE.name(field)] ?? 0])),
    increase: Object.fromEntries([...LIMIT_FIELDS.filter(field => field !== 'fd'), 'fdFraction'].map(field => {
      return [field, increase[field === 'fdFraction' ? 'FDFraction' : FILE.name(field)] ?? 0]
    }))
  }
}

/**
 * @param scaling - in go-libp2p's words
 * @param streamIncrease - go-libp2p scales streams by the increase of
 * connections, we do so by their own
 */
function toScalingConfig (scaling: Record<string, any>, streamIncrease: string): ScalingLimitConfig {
  const init: ScalingLimitConfigInit = {}

  for (const key of SCOPE_KEYS) {
    const name = GO_SCOPE_NAMES[key] ?? FILE.name(key)
    const increase = key === 'stream' ? streamIncrease : `${name}LimitIncrease`

    init[key] = toScalingLimit(scaling[`${name}BaseLimit`], scaling[increase])
  }

  const config = new ScalingLimitConfig(init)

  for (const key of NAMED_KEYS) {
    for (const [name, limit] of Object.entries<any>(scaling[`${FILE.name(key)}Limits`] ?? {})) {
      const { base, increase } = toScalingLimit(limit.BaseLimit, limit.BaseLimitIncrease)

      config[`add${FILE.name(key)}Limit` as 'addServiceLimit'](name, base, increase)
    }
  }

  return config
}

function scaleVector ({ memory = 0, fds = 0, serviceLimits, infinite, scaling }: Vector['op']): ConcreteLimitConfig {
  if (infinite === true) {
    return InfiniteLimits
  }

  const config = scaling == null ? DefaultLimits.clone() : toScalingConfig(scaling, 'ConnLimitIncrease')

  if (serviceLimits === true) {
    addServiceLimits(config, goServiceLimits)
  }

  return config.scale({ memory, fds })
}

function read (limits: any): PartialLimitConfig {
  return limitsFromJSON(JSON.stringify(limits))
}

function run ({ op }: Vector): PartialLimitConfig {
  switch (op.op) {
    case 'scale':
      return toPartialLimitConfig(scaleVector(op))
    case 'build':
      return toPartialLimitConfig(build(read(translate(op.limits)), scaleVector(op)))
    case 'apply':
      return apply(read(translate(op.limits)), read(translate(op.with)))
    default:
      return read(translate(op.limits))
  }
}

describe('limits of go-libp2p', () => {
  let vectors: Vector[]
  let defaults: any

  before(async () => {
    vectors = (await readFixture('go-limit-vectors.json')).vectors
    defaults = await readFixture('go-default-limits.json')
  })

  it('should compute and write exactly what go-libp2p does', () => {
    for (const [index, vector] of vectors.entries()) {
      const message = `vector ${index}, ${vector.op.op}`

      if (!vector.result.ok) {
        expect(() => run(vector), message).to.throw().with.property('name', 'InvalidParametersError')
        continue
      }

      // the vectors keep the order of the keys, but have no layout
      const written = limitsToJSON(run(vector))

      expect(JSON.stringify(JSON.parse(written)), message).to.equal(JSON.stringify(translate(vector.result.limits)))
    }

    expect(vectors).to.have.lengthOf(30)
  })

  it('should have the same default limits', () => {
    const go = toScalingConfig(defaults.defaultLimits, 'StreamLimitIncrease')

    for (const target of [{}, { memory: 1e9, fds: 1e4 }, { memory: 1e12, fds: 1e6 }]) {
      expect(DefaultLimits.scale(target)).to.deep.equal(go.scale(target))
    }
  })

  it('should have the same default limits of services', () => {
    const go = new ScalingLimitConfig()
    const ours = new ScalingLimitConfig()

    addServiceLimits(ours, goServiceLimits)

    for (const key of ['service', 'servicePeer', 'protocol', 'protocolPeer']) {
      for (const [name, limit] of Object.entries<any>(defaults.defaultServiceLimits[key])) {
        const { base, increase } = toScalingLimit(limit.base, limit.increase)

        go[`add${FILE.name(key)}Limit` as 'addServiceLimit'](name, base, increase)
      }
    }

    for (const target of [{}, { memory: 1e9, fds: 1e4 }, { memory: 1e12, fds: 1e6 }]) {
      expect(ours.scale(target)).to.deep.equal(go.scale(target))
    }
  })

  it('should scale streams by their own increase, which go-libp2p does not', () => {
    const vector = vectors.find(({ op }) => op.scaling?.StreamLimitIncrease != null)
    const scaling: Record<string, any> = { ...vector?.op.scaling, StreamLimitIncrease: { Streams: 1024 }, ConnLimitIncrease: { Streams: 1 } }
    const base = scaling.StreamBaseLimit?.Streams ?? 0

    expect(toScalingConfig(scaling, 'StreamLimitIncrease').scale({ memory: 2 ** 30 }).stream.streams).to.equal(base + 1024)
  })
})
