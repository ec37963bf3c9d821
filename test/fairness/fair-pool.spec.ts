/**
 * Who gives way in a scope that is full, against a small model of it: a list of who holds
 * what, counted anew for every question
 */

import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { FairPool, PROTECTED } from '../../src/fairness/fair-pool.ts'
import type { FairMember, GroupPath, HeldElsewhereBy } from '../../src/fairness/fair-pool.ts'

interface Held {
  path: GroupPath
  rank: number
}

function path (network: number, subnet = 0, host = 0, peer = 0): GroupPath {
  return [`n${network}`, `s${subnet}`, `h${host}`, `p${peer}`]
}

function isUnder (held: Held, groups: string[]): boolean {
  return groups.every((key, level) => held.path[level] === key)
}

/**
 * Counts everything to find what the pool finds by looking at one group a level
 */
function modelVictim (all: Held[], newcomer: GroupPath, elsewhere: HeldElsewhereBy = () => 0): Held | undefined {
  const here = (groups: string[]): number => all.filter(held => isUnder(held, groups)).length
  const count = (groups: string[]): number => here(groups) + elsewhere(groups.length - 1, groups[groups.length - 1])

  const best = (groups: string[]): Held | undefined => {
    const under = all.filter(held => isUnder(held, groups) && held.rank !== PROTECTED)

    if (groups.length === 4) {
      return under.sort((a, b) => a.rank - b.rank)[0]
    }

    // the child that holds most, and of those that hold the same the one whose own candidate
    // has the lowest rank
    return [...new Set(under.map(held => held.path[groups.length]))]
      .map(key => ({ held: count([...groups, key]), candidate: best([...groups, key]) as Held }))
      .sort((a, b) => b.held - a.held || a.candidate.rank - b.candidate.rank)[0]?.candidate
  }

  for (let level = 0; level < 4; level++) {
    const above = newcomer.slice(0, level)
    const own = count(newcomer.slice(0, level + 1))
    const victim = best(above)

    if (victim != null && victim.path[level] !== newcomer[level] && count([...above, victim.path[level]]) > own + 1) {
      return victim
    }

    if (here(newcomer.slice(0, level + 1)) === 0) {
      return
    }
  }
}

const paths = fc.tuple(fc.nat(3), fc.nat(1), fc.nat(1), fc.nat(1)).map(([network, subnet, host, peer]) => path(network, subnet, host, peer))

describe('fair pool', () => {
  it('should find nobody where there is nobody', () => {
    expect(new FairPool().find(path(1))).to.equal(undefined)
  })

  it('should not exchange groups that differ by one', () => {
    const pool = new FairPool<string>()

    pool.add('a', path(1), 1)
    pool.add('b', path(2), 1)
    expect(pool.find(path(3))).to.equal(undefined)
    pool.add('c', path(2), 2)
    expect(pool.find(path(1)), 'it has one of its own').to.equal(undefined)
    expect(pool.find(path(3))?.value).to.equal('b')
  })

  it('should compare subnets, hosts and peers of the same network', () => {
    const pool = new FairPool<string>()

    pool.add('a', path(1, 1, 1, 1), 1)
    pool.add('b', path(1, 1, 1, 1), 2)
    expect(pool.find(path(1, 2))?.value).to.equal('a')
    expect(pool.find(path(1, 1, 2))?.value).to.equal('a')
    expect(pool.find(path(1, 1, 1, 2))?.value).to.equal('a')
    expect(pool.find(path(1, 1, 1, 1)), 'nobody takes a place of its own').to.equal(undefined)
  })

  it('should pass over groups in which nobody may give way, and count them all the same', () => {
    const pool = new FairPool<string>()

    for (let i = 0; i < 3; i++) {
      pool.add('protected', path(1), PROTECTED)
      pool.add(`other ${i}`, path(2), i)
    }

    expect(pool.find(path(3))?.value).to.equal('other 0')
    expect(pool.find(path(1)), 'it holds as much').to.equal(undefined)
  })

  it('should keep nothing of those that have left', () => {
    const pool = new FairPool<string>()
    const members = [pool.add('a', path(1), 1), pool.add('b', path(1), PROTECTED), pool.add('c', path(2), 1)]

    pool.rerank(members[1], 0)
    members.forEach(member => { pool.remove(member) })
    expect(pool).to.include({ size: 0, peak: 3 })
    expect(pool.members).to.be.empty()
    expect(pool.find(path(3))).to.equal(undefined)
  })

  it('should find whom the model finds, whatever came, left and changed before', () => {
    // ranks are all different, so that there is one answer
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), path: paths, isProtected: fc.integer({ min: 0, max: 4 }).map(n => n === 0) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), which: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('rerank' as const), which: fc.nat(), isProtected: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('elsewhere' as const), networks: fc.array(fc.nat(5), { maxLength: 4 }), peers: fc.array(fc.nat(5), { maxLength: 2 }) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('find' as const), path: paths }) }
    )

    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fc.nat()), (steps, ranks) => {
      const pool = new FairPool<Held>()
      const members: Array<FairMember<Held>> = []
      const used = new Set<number>()
      let elsewhere: HeldElsewhereBy | undefined
      const nextRank = (): number => {
        for (;;) {
          const rank = ranks.next().value as number

          if (!used.has(rank)) {
            used.add(rank)
            return rank
          }
        }
      }

      for (const step of steps) {
        switch (step.do) {
          case 'add': {
            const held = { path: step.path, rank: step.isProtected ? PROTECTED : nextRank() }

            members.push(pool.add(held, held.path, held.rank))
            break
          }
          case 'remove':
            members.splice(step.which % (members.length || 1), 1).forEach(member => { pool.remove(member) })
            break
          case 'rerank': {
            const member = members[step.which % (members.length || 1)]

            if (member != null) {
              member.value.rank = step.isProtected ? PROTECTED : nextRank()
              pool.rerank(member, member.value.rank)
            }
            break
          }
          case 'elsewhere': {
            const { networks, peers } = step

            const levels = [networks, [], [], peers]

            elsewhere = networks.length + peers.length === 0 ? undefined : (level, key) => levels[level][Number(key.slice(1))] ?? 0
            pool.setElsewhere(elsewhere)
            break
          }
          default:
            expect(pool.find(step.path)?.value).to.equal(modelVictim(members.map(({ value }) => value), step.path, elsewhere))
        }

        expect(pool.size).to.equal(members.length)
      }
    }), { numRuns: 300 })
  })

  it('should come to max-min fair shares, whoever was there first', () => {
    const demand = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 })

    fc.assert(fc.property(demand, fc.integer({ min: 1, max: 40 }), fc.infiniteStream(fc.nat()), (wanted, limit, random) => {
      const pool = new FairPool<number>()
      const held = wanted.map((): Array<FairMember<number>> => [])
      const waiting = (): number[] => wanted.flatMap((want, network) => want > held[network].length ? [network] : [])
      let rank = 0

      // the first one takes all it wants, and then they come in any order until nobody gets
      // anything any more
      const arrive = (network: number): boolean => {
        if (pool.size === limit) {
          const victim = pool.find(path(network))

          if (victim == null) {
            return false
          }

          expect(held[victim.value].length, 'no exchange among equals').to.be.greaterThan(held[network].length + 1)
          held[victim.value].splice(held[victim.value].indexOf(victim), 1)
          pool.remove(victim)
        }

        held[network].push(pool.add(network, path(network), rank++))
        expect(pool.size).to.be.at.most(limit)

        return true
      }

      for (let i = 0; i < wanted[0]; i++) {
        arrive(0)
      }

      for (let refused = new Set<number>(), steps = 0; waiting().some(network => !refused.has(network)); steps++) {
        const candidates = waiting().filter(network => !refused.has(network))
        const network = candidates[random.next().value as number % candidates.length]

        if (arrive(network)) {
          refused = new Set()
        } else {
          refused.add(network)
        }

        expect(steps, 'it settles').to.be.lessThan(10_000)
      }

      const fair = maxMin(wanted, limit)

      held.forEach((members, network) => { expect(Math.abs(members.length - fair[network])).to.be.at.most(1) })
    }), { numRuns: 200 })
  })
})

/**
 * What everybody gets when the same is given to all until they have what they want
 */
function maxMin (wanted: number[], limit: number): number[] {
  const share = wanted.map(() => 0)
  let left = limit
  let hungry = wanted.map((_, i) => i)

  while (left > 1e-9 && hungry.length > 0) {
    const portion = Math.min(left / hungry.length, ...hungry.map(i => wanted[i] - share[i]))

    hungry.forEach(i => { share[i] += portion })
    left -= portion * hungry.length
    hungry = hungry.filter(i => wanted[i] - share[i] > 1e-9)
  }

  return share
}
