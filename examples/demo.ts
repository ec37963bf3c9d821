/**
 * Two nodes under the same attack, one after the other and side by side: without and with a
 * resource manager. An honest peer of each should not notice.
 *
 * `npm start`, which takes less than a minute. It prints the address of a page on which the
 * node with a resource manager can be looked at. `npm start -- --page` attacks that node only,
 * until Ctrl-C, so that there is time to look.
 *
 * Exits with 1 if the honest peer of the node with a resource manager lost service, a limit
 * was exceeded, or anything was still reserved after the node had stopped.
 */

import { Half, MEMORY_OF_MACHINE } from './demo/half.ts'
import { Screen } from './demo/screen.ts'
import { table, tableWidth, wrap } from './demo/table.ts'

/**
 * How often the table is drawn, in ms: less often where it is printed again each time
 */
const DRAW_INTERVAL = process.stdout.isTTY ? 250 : 5_000

/**
 * The honest peer has lost service if fewer of its echoes than this succeed
 */
const MIN_SUCCESS = 0.99

const columns = process.stdout.columns ?? 80

function print (text: string, label?: string): void {
  process.stdout.write(`${wrap(text, tableWidth(columns), label).join('\n')}\n`)
}

function describe ({ death, downloaded, honest, mostResident, successRate }: Half): string {
  const fate = death == null ? `survives with at most ${Math.round(mostResident / 2 ** 20)} MiB` : `dies after ${(death.after / 1000).toFixed(1)} s (${death.cause})`
  const service = `${(successRate * 100).toFixed(1)}% of ${(honest?.succeeded ?? 0) + (honest?.failed ?? 0)} echoes`

  return `${fate}; the honest peer gets ${service}, its download is ${downloaded ? 'complete' : 'lost'}`
}

function problemsOf ({ death, downloaded, honest, result, successRate, victim }: Half): string[] {
  if (death != null || result == null) {
    return [`the node died: ${death?.cause ?? 'it did not stop'}`]
  }

  return [
    ...((victim?.refused ?? 0) === 0 ? ['nothing was refused, there was no attack'] : []),
    ...(successRate < MIN_SUCCESS ? [`the honest peer lost service: ${honest?.lastError ?? 'no echo came back'}`] : []),
    ...(downloaded ? [] : [`the honest peer did not get what it downloaded: ${honest?.downloadError ?? 'it was too slow'}`]),
    ...(result.exceeded.length > 0 ? [`limits were exceeded: ${result.exceeded.join(', ')}`] : []),
    ...(result.reserved.length > 0 ? [`still reserved after the node had stopped: ${result.reserved.join(', ')}`] : [])
  ]
}

const isForPage = process.argv.includes('--page')
const without = new Half('without')
const managed = new Half('with')
const halves = isForPage ? [managed] : [without, managed]
const screen = new Screen()

function draw (): void {
  const { phase, victim: { page } = {} } = managed
  const look = page == null || phase === 'over' ? [] : ['', `look at it: ${page}${isForPage ? ' (Ctrl-C ends it)' : ''}`]

  screen.draw(['', ...table(halves, process.stdout.columns ?? columns), ...look])
}

print(
  'The same attack on two nodes: 8 hostile peers open connections and streams as fast as they can, ask for blocks ' +
  'of 1 MiB and never read them. Meanwhile an honest peer echoes all the time and downloads 64 MiB. ' +
  `A node that needs more than ${MEMORY_OF_MACHINE / 2 ** 20} MiB is killed, as in a container of that size: ` +
  'about 110 MiB are Node.js and libp2p themselves, the rest is what peers hold, and garbage.'
)

const drawing = setInterval(draw, DRAW_INTERVAL)

if (isForPage) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => { managed.end() })
  }

  await managed.run(Infinity, Infinity)
} else {
  await without.run()
  // the same attack
  await managed.run(without.duration, without.duration)
}

clearInterval(drawing)
draw()

if (isForPage) {
  process.exit()
}

const problems = problemsOf(managed)

print('')
managed.victim?.limits.forEach((text, i) => { print(text, i === 0 ? 'limits   ' : '         ') })
print('')
print(describe(without), 'without  ')
print(describe(managed), 'with     ')
print(problems.length === 0 ? `✓ ${managed.victim?.refused} refused, no limit exceeded, nothing still reserved` : `✗ ${problems.join('; ')}`, 'verdict  ')

process.exitCode = problems.length === 0 ? 0 : 1
