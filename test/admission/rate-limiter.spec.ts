import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { RateLimiter } from '../../src/admission/rate-limiter.ts'
import { resolveConnectionRates, resolveRateLimits } from '../../src/admission/rate-limits.ts'
import { resolveSubnetLimits } from '../../src/admission/subnet-limits.ts'
import { SubnetTables } from '../../src/admission/subnet-tables.ts'
import { startClock } from '../../src/util/clock.ts'
import { IPAddress } from '../../src/util/ip-address.ts'
import { IPNetwork } from '../../src/util/ip-network.ts'
import { Sweeper } from '../../src/util/sweeper.ts'
import { TestAdmission, TestClock, TestSubnetLimiter, ip } from './fixtures.ts'
import type { RateLimits } from '../../src/admission/rate-limits.ts'

function create (limits: RateLimits, clock = new TestClock()): RateLimiter {
  return new RateLimiter({ limits: resolveRateLimits('limits', limits), request: 'connection', clock: clock.now })
}

function createDefault (clock = new TestClock()): RateLimiter {
  return new RateLimiter({ limits: resolveConnectionRates('limits'), request: 'connection', clock: clock.now })
}

/**
 * How many times something may come from an address now
 */
function drain (limiter: RateLimiter, text?: string, max = 200): number {
  for (let count = 0; count < max; count++) {
    if (limiter.take(text == null ? undefined : ip(text)) != null) {
      return count
    }
  }

  return max
}

function tracked (limiter: RateLimiter): number {
  return limiter.tables.reduce((total, { size }) => total + size, 0)
}

/**
 * Answers how many slices it took
 */
function sweepAll (limiter: RateLimiter, clock: TestClock): number {
  const sweeper = new Sweeper()
  let slices = 1

  while (!sweeper.sweep(limiter.tables, clock.ms)) {
    slices++
  }

  return slices
}

/**
 * A token bucket as it is usually written
 */
class ModelBucket {
  tokens: number
  readonly rate: number
  readonly burst: number
  updated: number

  constructor (rate: number, burst: number, now: number) {
    this.rate = rate
    this.burst = burst
    this.tokens = burst
    this.updated = now
  }

  has (now: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + (now - this.updated) / 1_000 * this.rate)
    this.updated = now

    return this.tokens >= 1
  }
}

/**
 * Rates of every kind, and an address that each of them is asked for
 */
const KINDS: Array<[string, RateLimits, string]> = [
  ['an IPv4 subnet', { ipv4: [{ prefixLength: 24, rate: 0.1, burst: 3 }] }, '1.2.3.4'],
  ['an IPv6 subnet', { ipv6: [{ prefixLength: 56, rate: 0.1, burst: 3 }] }, '2001:db8::1'],
  ['a network', { prefixes: [{ network: '1.0.0.0/8', rate: 0.1, burst: 3 }], ipv4: [{ prefixLength: 32, rate: 0.1, burst: 1 }] }, '1.2.3.4'],
  ['everything', { global: { rate: 0.1, burst: 3 } }, '1.2.3.4'],
  ['subnets that share a bucket', { ipv4: [{ prefixLength: 32, rate: 0.1, burst: 3 }], maxSubnets: 1 }, '1.2.3.4']
]

describe('admission/rate-limiter', () => {
  for (const [what, limits, address] of KINDS) {
    it(`should put back what was taken of ${what}, and no more`, () => {
      const limiter = create(limits)

      // where subnets share a bucket, this one has its own
      if (limits.maxSubnets != null) {
        limiter.take(ip('9.9.9.9'))
      }

      for (let i = 0; i < 10; i++) {
        expect(limiter.take(ip(address))).to.equal(undefined)
        limiter.giveBack(ip(address))
      }

      expect(drain(limiter, address)).to.equal(3)
      limiter.giveBack(ip(address))
      expect(drain(limiter, address)).to.equal(1)
    })
  }

  it('should put nothing back for what it has forgotten', () => {
    const clock = new TestClock()
    const limiter = create({ ipv4: [{ prefixLength: 32, rate: 1, burst: 2 }] }, clock)

    limiter.take(ip('1.2.3.4'))
    clock.ms += 10_000
    sweepAll(limiter, clock)
    limiter.giveBack(ip('1.2.3.4'))
    expect(tracked(limiter)).to.equal(0)
    expect(drain(limiter, '1.2.3.4')).to.equal(2)
  })

  it('should allow a burst and then the rate', () => {
    const clock = new TestClock()
    const limiter = create({ ipv4: [{ prefixLength: 32, rate: 0.2, burst: 16 }] }, clock)

    expect(drain(limiter, '1.2.3.4')).to.equal(16)
    clock.ms += 4_999
    expect(drain(limiter, '1.2.3.4')).to.equal(0)
    clock.ms += 1
    expect(drain(limiter, '1.2.3.4')).to.equal(1)
    clock.passSeconds(10)
    expect(drain(limiter, '1.2.3.4')).to.equal(2)
    clock.passSeconds(1_000)
    expect(drain(limiter, '1.2.3.4'), 'no more than the burst').to.equal(16)
  })

  it('should not lose tokens by rounding', () => {
    for (const rate of [0.3, 3, 7, 1_000 / 7, 12_345]) {
      for (const origin of [0, 1e9, 1.7e12]) {
        const limits = resolveRateLimits('limits', { global: { rate, burst: 100 } })
        const clock = startClock(() => origin + 1 / 3)

        expect(drain(new RateLimiter({ limits, request: 'stream', clock }), '1.2.3.4')).to.equal(100)
      }
    }
  })

  it('should have go-libp2p\'s rates for connections by default', () => {
    const limiter = createDefault()

    expect(drain(limiter, '1.2.3.4')).to.equal(16)
    expect(drain(limiter, '::ffff:1.2.3.4'), 'the same address').to.equal(0)
    expect(drain(limiter, '1.2.3.5')).to.equal(16)
    expect(drain(limiter, '127.0.0.1')).to.equal(200)
    expect(drain(limiter, '::1')).to.equal(200)

    for (let i = 0; i < 5; i++) {
      expect(drain(limiter, `2001:db8:0:${i}00::1`), 'a /56').to.equal(16)
    }

    expect(drain(limiter, '2001:db8:0:500::1'), 'the same /48').to.equal(0)
    expect(drain(limiter, '2001:db8:1::1'), 'another /48').to.equal(16)
    expect(drain(limiter, undefined), 'no address').to.equal(200)
  })

  it('should keep the default networks when others are configured', () => {
    const clock = new TestClock()
    const limits = resolveConnectionRates('limits', {
      prefixes: [{ network: '10.0.0.0/8', rate: 1, burst: 3 }, { network: '192.168.0.0/16', rate: 1, burst: 2 }]
    }, ['192.168.0.0/16', '172.16.0.0/12'])
    const limiter = new RateLimiter({ limits, request: 'connection', clock: clock.now })

    expect(drain(limiter, '127.0.0.1')).to.equal(200)
    expect(drain(limiter, '10.1.1.1')).to.equal(3)
    expect(drain(limiter, '172.16.1.1'), 'trusted').to.equal(200)
    expect(drain(limiter, '192.168.1.1'), 'trusted, but with a rate').to.equal(2)
    expect(drain(limiter, '1.2.3.4')).to.equal(16)
  })

  it('should apply the rates of all networks an address is in, and no others', () => {
    const limiter = create({
      global: { rate: 1, burst: 1 },
      ipv4: [{ prefixLength: 32, rate: 1, burst: 1 }],
      prefixes: [{ network: '10.0.0.0/8', rate: 1, burst: 5 }, { network: '10.1.0.0/16', rate: 1, burst: 3 }, { network: '10.1.1.1', rate: 'unlimited' }]
    })

    expect(drain(limiter, '10.1.2.3')).to.equal(3)
    expect(drain(limiter, '10.1.1.1'), 'unlimited, but in a network that is not').to.equal(0)
    expect(drain(limiter, '10.2.2.3'), 'what the first has left').to.equal(2)
    expect(drain(limiter, '1.2.3.4')).to.equal(1)
    expect(drain(limiter, '1.2.3.5'), 'global').to.equal(0)
  })

  it('should take nothing from any bucket when it refuses', () => {
    const limiter = create({
      global: { rate: 1, burst: 6 },
      ipv4: [{ prefixLength: 32, rate: 1, burst: 2 }, { prefixLength: 24, rate: 1, burst: 5 }]
    })

    expect(drain(limiter, '1.2.3.1')).to.equal(2)

    for (let i = 0; i < 100; i++) {
      limiter.take(ip('1.2.3.1'))
    }

    expect(drain(limiter, '1.2.3.2')).to.equal(2)
    expect(drain(limiter, '1.2.3.3'), 'the /24').to.equal(1)
    expect(drain(limiter, '1.2.4.1'), 'the global bucket').to.equal(1)
    expect(tracked(limiter), 'what only was refused is not tracked').to.equal(4 + 2)
  })

  it('should say which rate refused', () => {
    const clock = new TestClock()
    const limiter = create({ global: { rate: 1, burst: 3 }, ipv4: [{ prefixLength: 24, rate: 1, burst: 2 }], prefixes: [{ network: '10.0.0.0/8', rate: 1, burst: 0 }] }, clock)

    drain(limiter, '1.2.3.4')
    // there is a part of the next token, which is in use as a whole
    clock.passSeconds(0.4)

    const refusal = limiter.take(ip('1.2.3.4'))

    expect(refusal).to.include({ resource: 'rate', kind: 'subnet', scope: 'subnet:1.2.3.0/24', current: 2, attempted: 1, limit: 2 })
    expect(refusal?.toError()).to.include({
      name: 'RateLimitExceededError',
      message: 'subnet:1.2.3.0/24: cannot reserve inbound connection: rate limit exceeded',
      current: 2,
      attempted: 1,
      limit: 2
    })
    expect(limiter.take(ip('10.0.0.1'))).to.include({ kind: 'network', scope: 'network:10.0.0.0/8', current: 0, limit: 0 })
    drain(limiter)
    expect(limiter.take(undefined)).to.include({ kind: 'global', scope: 'global', current: 3, limit: 3 })
  })

  it('should not apply default rates while they are lifted, but those that are configured', () => {
    const limits = resolveConnectionRates('limits', { ipv6: [{ prefixLength: 64, rate: 1, burst: 2 }] })
    const limiter = new RateLimiter({ limits, request: 'connection', clock: new TestClock().now })

    limiter.lifted = true
    expect(drain(limiter, '1.2.3.4')).to.equal(200)
    expect(drain(limiter, '2001:db8::1')).to.equal(2)
    limiter.lifted = false
    expect(drain(limiter, '1.2.3.4')).to.equal(16)
  })

  it('should answer as token buckets would', () => {
    // all of them refill in multiples of half a second, so that the model is exact
    const events = fc.array(fc.record({ wait: fc.constantFrom(0, 0, 0, 500, 1_000, 8_000), host: fc.nat(7) }), { maxLength: 200 })

    fc.assert(fc.property(events, events => {
      const clock = new TestClock()
      const limiter = create({
        global: { rate: 2, burst: 9 },
        ipv4: [{ prefixLength: 30, rate: 1, burst: 5 }, { prefixLength: 32, rate: 0.5, burst: 3 }],
        prefixes: [{ network: '0.0.0.7', rate: 0.25, burst: 1 }]
      }, clock)
      const buckets = new Map<string, ModelBucket>()
      const bucket = (name: string, rate: number, burst: number): ModelBucket => {
        const bucket = buckets.get(name) ?? new ModelBucket(rate, burst, clock.ms)

        buckets.set(name, bucket)

        return bucket
      }

      for (const { wait, host } of events) {
        clock.ms += wait

        const ip = new IPAddress(4, host, 0, 0, 0)
        const needed = host === 7
          ? [bucket('7', 0.25, 1)]
          : [bucket(`${ip}`, 0.5, 3), bucket(`${new IPNetwork(ip, 30)}`, 1, 5), bucket('global', 2, 9)]
        const expected = needed.every(bucket => bucket.has(clock.ms))

        expect(limiter.take(ip) == null).to.equal(expected)

        if (expected) {
          needed.forEach(bucket => { bucket.tokens-- })
        }
      }
    }))
  })

  it('should forget subnets whose buckets are full, without more traffic', () => {
    const clock = new TestClock()
    const limiter = createDefault(clock)

    for (let i = 0; i < 20_000; i++) {
      limiter.take(new IPAddress(4, i << 8, 0, 0, 0))
      limiter.take(new IPAddress(6, 0x20010000 + i, 0, 0, 0))
    }

    expect(tracked(limiter)).to.equal(60_000)
    // one token, which takes five seconds, or two for a /48
    clock.ms += 4_999
    sweepAll(limiter, clock)
    expect(tracked(limiter)).to.equal(40_000)
    clock.ms += 1
    expect(sweepAll(limiter, clock), 'it is done in slices').to.be.within(2, 100)
    expect(tracked(limiter)).to.equal(0)
  })

  it('should forget subnets in passing, so that a table does not grow with what has passed', () => {
    const clock = new TestClock()
    const limiter = createDefault(clock)
    let most = 0

    for (let i = 0; i < 100_000; i++) {
      // each is full again after five seconds: 1,000 buckets are not
      clock.ms += 5
      limiter.take(new IPAddress(4, i << 4, 0, 0, 0))
      most = Math.max(most, tracked(limiter))
    }

    expect(most).to.be.below(2_100)
  })

  it('should not grow with a million subnets of one network', () => {
    const limiter = createDefault()

    for (let i = 0; i < 1_000_000; i++) {
      // a million /64s of one /48, of which it may have 65,536
      limiter.take(new IPAddress(6, 0x20010db8, i & 0xffff, i, 0))
    }

    expect(tracked(limiter), 'only what was admitted').to.be.at.most(80 + 1)
  })

  it('should not grow beyond the configured number with a million subnets from everywhere', () => {
    const clock = new TestClock()
    const limiter = create({ ipv6: [{ prefixLength: 64, rate: 0.2, burst: 4 }], maxSubnets: 1_000 }, clock)
    let admitted = 0

    expect(drain(limiter, 'ff::1')).to.equal(4)

    for (let i = 0; i < 1_000_000; i++) {
      admitted += limiter.take(new IPAddress(6, i, 0, 0, 0)) == null ? 1 : 0
    }

    expect(tracked(limiter)).to.equal(1_000)
    expect(admitted, 'one each, and four for all others').to.equal(999 + 4)
    expect(drain(limiter, 'ff::1'), 'who was there before is not affected').to.equal(0)
    clock.passSeconds(5)
    expect(drain(limiter, 'ff::1')).to.equal(1)
    sweepAll(limiter, clock)
    expect(drain(limiter, 'fe::1'), 'there is room again').to.equal(4)
  })

  it('should refuse rates that say nothing sensible, naming the field and the value', () => {
    const bad: Array<[any, string]> = [
      [{ global: { rate: -1, burst: 1 } }, 'limits.global.rate: expected a number greater than 0, or "unlimited", got -1'],
      [{ global: { rate: 0, burst: 1 } }, 'got 0'],
      [{ global: { rate: NaN, burst: 1 } }, 'got NaN'],
      [{ global: { rate: '1', burst: 1 } }, 'got "1"'],
      [{ global: { burst: 1 } }, 'got undefined'],
      [{ global: 5 }, 'limits.global.rate'],
      [{ global: { rate: 1e-320, burst: 1 } }, 'limits.global.rate: expected a rate that refills the burst in a finite time'],
      [{ global: { rate: 1, burst: -1 } }, 'limits.global.burst: expected a whole number from 0'],
      [{ global: { rate: 1, burst: 1.5 } }, 'got 1.5'],
      [{ global: { rate: 1, burst: Infinity } }, 'got Infinity'],
      [{ ipv4: [{ prefixLength: 33, rate: 1 }] }, 'limits.ipv4[0].prefixLength: expected a whole number from 0 to 32, got 33'],
      [{ ipv4: [{ prefixLength: 32 }] }, 'limits.ipv4[0].rate'],
      [{ ipv6: [null] }, 'limits.ipv6[0].prefixLength'],
      [{ ipv6: 'all' }, 'limits.ipv6: expected a list, got "all"'],
      [{ prefixes: [{ network: '10.0.0.0/33', rate: 1 }] }, 'limits.prefixes[0].network: expected a prefix length from 0 to 32, got "10.0.0.0/33"'],
      [{ prefixes: [{ network: '10.0.0.0/8', rate: 1 }, { network: '10.0.0.1/8', rate: 1 }] }, 'limits.prefixes[1].network'],
      [{ prefixes: [undefined] }, 'limits.prefixes[0].network'],
      [{ maxSubnets: 0 }, 'limits.maxSubnets: expected a whole number from 1 to 16777216, got 0'],
      [5, 'limits: expected an object, got 5']
    ]

    for (const [limits, message] of bad) {
      expect(() => resolveConnectionRates('limits', limits), message).to.throw(message)
        .with.property('name', 'InvalidParametersError')
    }
  })

  it('should allow as many at once as in a second, rounded up, where no burst is given', () => {
    expect(drain(create({ global: { rate: 2.5 } }), '1.2.3.4')).to.equal(3)
    expect(drain(create({ global: { rate: 0.1 } }), '1.2.3.4')).to.equal(1)
    expect(drain(create({ global: { rate: Infinity } }), '1.2.3.4')).to.equal(200)
    expect(drain(create({ global: { rate: 1, burst: 0 } }), '1.2.3.4')).to.equal(0)
  })

  it('should answer the same, and keep the same, where others count in the same tables', () => {
    const host = fc.tuple(fc.constantFrom(4 as const, 6 as const), fc.nat(3), fc.nat(3)).map(([version, a, b]) => new IPAddress(version, a, version === 4 ? 0 : b << 8, 0, 0))
    const command = fc.record({ type: fc.constantFrom('take', 'add', 'remove', 'giveBack', 'pass', 'sweep', 'change'), host, burst: fc.integer({ min: 1, max: 3 }) })
    const subnetLimits = resolveSubnetLimits({ ipv4: [{ prefixLength: 32, connCount: 2 }], ipv6: [{ prefixLength: 56, connCount: 2 }, { prefixLength: 48, connCount: 3 }] })

    fc.assert(fc.property(fc.array(command, { maxLength: 120 }), commands => {
      const clock = new TestClock()
      const make = (burst: number, tables?: SubnetTables, previous?: RateLimiter): RateLimiter => {
        const limits = resolveRateLimits('limits', {
          ipv4: [{ prefixLength: 32, rate: 1, burst }, { prefixLength: 32, rate: 0.5, burst: 3 }],
          ipv6: [{ prefixLength: 56, rate: 1, burst }, { prefixLength: 48, rate: 2, burst: 3 }]
        })

        return new RateLimiter({ limits, request: 'connection', clock: clock.now, tables, previous })
      }
      const tables = new SubnetTables()
      const counted = new TestSubnetLimiter(subnetLimits, tables)
      const countedAlone = new TestSubnetLimiter(subnetLimits)
      const live: IPAddress[] = []
      let limiter = make(1, tables)
      let alone = make(1)

      for (const { type, host, burst } of commands) {
        switch (type) {
          case 'take':
            expect(limiter.take(host)?.toError().message).to.equal(alone.take(host)?.toError().message)
            break
          case 'add': {
            const refusal = counted.add(host, 'inbound')

            expect(countedAlone.add(host, 'inbound')?.toError().message).to.equal(refusal?.toError().message)
            refusal ?? live.push(host)
            break
          }
          case 'remove': {
            const [ip] = live.splice(burst, 1)

            if (ip !== undefined) {
              counted.remove(ip)
              countedAlone.remove(ip)
            }
            break
          }
          case 'giveBack':
            limiter.giveBack(host)
            alone.giveBack(host)
            break
          case 'pass':
            clock.passSeconds(burst)
            break
          case 'sweep':
            [...limiter.tables, ...alone.tables].forEach(table => {
              table.restart()
              table.sweep(clock.now(), Infinity)
            })
            break
          default:
            limiter = make(burst, tables, limiter)
            alone = make(burst, undefined, alone)
        }

        if (type === 'sweep') {
          expect(limiter.tables.map(({ size }) => size)).to.deep.equal(alone.tables.map(({ size }) => size))
        }
      }
    }))
  })

  it('should go on as if nothing had changed where another one with the same rates takes its place', () => {
    const host = fc.tuple(fc.constantFrom(4 as const, 6 as const), fc.nat(2)).map(([version, word]) => new IPAddress(version, word << 20, 0, 0, 0))
    const command = fc.record({ type: fc.constantFrom('take', 'take', 'giveBack', 'pass', 'sweep', 'change'), host })
    const rate = fc.record({ prefixLength: fc.constantFrom(12, 32), rate: fc.constant(1), burst: fc.constantFrom(2, 3) })
    const rates = fc.array(rate, { minLength: 1, maxLength: 3 })

    // the same for both versions, or not
    fc.assert(fc.property(fc.array(command, { maxLength: 60 }), rates, fc.option(rates), (commands, ipv4, others) => {
      const clock = new TestClock()
      const limits = resolveRateLimits('limits', { ipv4, ipv6: others ?? ipv4 })
      const make = (tables: SubnetTables, previous?: RateLimiter): RateLimiter => new RateLimiter({ limits, request: 'connection', clock: clock.now, tables, previous })
      const tables = new SubnetTables()
      const unchanged = make(new SubnetTables())
      let limiter = make(tables)

      for (const { type, host } of commands) {
        switch (type) {
          case 'take':
            expect(limiter.take(host)?.toError().message).to.equal(unchanged.take(host)?.toError().message)
            break
          case 'giveBack':
            limiter.giveBack(host)
            unchanged.giveBack(host)
            break
          case 'pass':
            clock.passSeconds(1)
            break
          case 'sweep':
            sweepAll(limiter, clock)
            sweepAll(unchanged, clock)
            expect(limiter.tables.map(({ size }) => size)).to.deep.equal(unchanged.tables.map(({ size }) => size))
            break
          default:
            limiter = make(tables, limiter)
        }
      }

      clock.passSeconds(100)
      sweepAll(limiter, clock)
      expect([...tables].map(({ size }) => size), 'nothing is left that nobody sweeps').to.deep.equal([...tables].map(() => 0))
    }))
  })

  it('should share nothing between IPv4 and IPv6 when something else changes', () => {
    const rates = [{ prefixLength: 32, rate: 0.001, burst: 2 }]
    const admission = new TestAdmission({ allowlistedConns: 1, now: new TestClock().now, rateLimits: { connections: { ipv4: rates, ipv6: rates } } })

    admission.settings.change({ trustedNetworks: [] })
    expect(admission.admit(ip('32.1.13.184'), 'inbound')).to.equal(undefined)
    expect(admission.admit(ip('32.1.13.184'), 'inbound')).to.equal(undefined)
    // the first 32 bits are the same
    expect(admission.admit(ip('2001:db8::1'), 'inbound')).to.equal(undefined)
    expect(admission.tracked).to.equal(2)
  })

  it('should remember as many subnets as it may, however many have connections', () => {
    const clock = new TestClock()
    const tables = new SubnetTables()
    const counted = new TestSubnetLimiter(resolveSubnetLimits({ ipv4: [{ prefixLength: 32, connCount: 1 }] }), tables)
    const limits = resolveRateLimits('limits', { ipv4: [{ prefixLength: 32, rate: 1, burst: 1 }], maxSubnets: 2 })
    const limiter = new RateLimiter({ limits, request: 'connection', clock: clock.now, tables })

    for (let n = 0; n < 50; n++) {
      expect(counted.add(new IPAddress(4, n, 0, 0, 0), 'inbound')).to.equal(undefined)
    }

    // the third one has the bucket that all others share
    const taken = Array.from({ length: 50 }, (_, n) => limiter.take(new IPAddress(4, n, 0, 0, 0)) === undefined)

    expect(taken.map((isTaken, n) => isTaken ? n : -1).filter(n => n !== -1)).to.deep.equal([0, 1, 2])
    expect(limiter.tables.map(({ size }) => size)).to.deep.equal([2])
    clock.passSeconds(2)
    limiter.tables.forEach(table => {
      table.restart()
      table.sweep(clock.now(), Infinity)
    })
    expect(limiter.tables.map(({ size }) => size)).to.deep.equal([0])
    expect(counted.add(new IPAddress(4, 49, 0, 0, 0), 'inbound'), 'connections are still counted').to.include({ current: 1 })
  })
})
