/* eslint-disable no-console */
import { prove } from './proof.ts'

// `npm run fleet`: five nodes, and a Redis that fails in every way, for about two minutes
const { bounds, most, problems, succeeded, tried } = await prove({ part: 12_000, freeze: 20_000, log: line => { console.info(line) } })
const share = succeeded / tried
const isExceeded = (['peer', 'host', 'system'] as const).some(name => most[name] > bounds[name])

console.info(`\n${succeeded} of ${tried} honest attempts have succeeded (${(100 * share).toFixed(2)}%)`)
console.info(`held at most: ${JSON.stringify(most)}, allowed: ${JSON.stringify(bounds)}`)
problems.forEach(problem => { console.info(problem) })
process.exitCode = share >= 0.99 && !isExceeded && !problems.some(problem => !problem.startsWith('honest')) ? 0 : 1
