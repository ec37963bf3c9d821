/* eslint-disable no-console */
import { HOST_LIMIT, PEER_LIMIT, prove } from './proof.ts'

/**
 * `npm run fleet`: five nodes, and a Redis that fails in every way, for about two minutes.
 * `npm run fleet -- --short`: three nodes, for less than one, as CI has it.
 */
const isShort = process.argv.includes('--short')
const { bounds, most, problems, succeeded, tried } = await prove({
  ...isShort ? { nodes: 3, honest: 2, part: 4_000, freeze: 7_000 } : { nodes: 5, honest: 4, part: 12_000, freeze: 20_000 },
  log: line => { console.info(line) }
})
const share = succeeded / tried
const isExceeded = (['peer', 'host', 'system'] as const).some(name => most[name] > bounds[name])
// otherwise there was no attack, and nobody to be served meanwhile
const saysSomething = most.peer >= PEER_LIMIT / 2 && most.host >= HOST_LIMIT / 2 && succeeded > 10

console.info(`\n${succeeded} of ${tried} honest attempts have succeeded (${(100 * share).toFixed(2)}%)`)
console.info(`held at most: ${JSON.stringify(most)}, allowed: ${JSON.stringify(bounds)}`)
problems.forEach(problem => { console.info(problem) })
process.exitCode = share >= 0.99 && saysSomething && !isExceeded && !problems.some(problem => !problem.startsWith('honest')) ? 0 : 1
