/**
 * `node bench/import-time.ts [--rounds 40] [--from DIRECTORY]`: what importing this package takes in
 * Node.js on top of `libp2p`, each time in a new process. It measures what `npm run build` has made or,
 * with `--from`, the package that is installed in a project, with its own `libp2p`.
 *
 * Processes import `libp2p` and nothing else, the same again (by which one sees what is chance), or this
 * package afterwards, in turn. Others may keep the machine busy, so CPU time is measured beside time.
 */

import { execFileSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { head, row } from './markdown.ts'
import { formatInterval, intervalOf } from './statistics.ts'

const { values: { rounds, from } } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, from: { type: 'string' } }
})

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NAME = 'libp2p-resource-manager'

/** The first processes find nothing in the caches of the file system */
const WARM_UP = 3

const WIDTHS = [64, 24, 24]

interface Took {
  /** In ms */
  time: number

  /** User and system, of all threads, in ms */
  cpu: number
}

/**
 * What a process imports on top of `libp2p`
 */
const VARIANTS: Record<string, string[]> = {
  'libp2p alone': [],
  'libp2p alone, again': [],
  [NAME]: [NAME],
  [`${NAME}, its dependencies only`]: ['@libp2p/interface', '@libp2p/logger', '@libp2p/peer-id', '@libp2p/utils', '@multiformats/multiaddr']
}

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

/**
 * What a process says of itself when it has imported all, and of how long that took after `libp2p`
 */
function program (names: string[]): string {
  return `
    await import('libp2p')

    const start = performance.now()
    const before = process.cpuUsage()

    for (const name of ${JSON.stringify(names)}) {
      await import(name)
    }

    const time = performance.now() - start
    const used = process.cpuUsage(before)
    const { user, system } = process.cpuUsage()

    console.log(JSON.stringify({
      added: { time, cpu: (used.user + used.system) / 1e3 },
      all: { time: performance.now(), cpu: (user + system) / 1e3 }
    }))
  `
}

function run (names: string[]): { added: Took, all: Took } {
  const output = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '--eval', program(names)], { cwd: from ?? ROOT, encoding: 'utf8' })

  return JSON.parse(output)
}

const took = Object.fromEntries(Object.keys(VARIANTS).map(name => [name, [] as Array<{ added: Took, all: Took }>]))

for (let round = -WARM_UP; round < Number(rounds); round++) {
  for (const [name, names] of Object.entries(VARIANTS)) {
    const result = run(names)

    if (round >= 0) {
      took[name].push(result)
    }
  }
}

function interval (values: number[]): string {
  return `${formatInterval(intervalOf([values])).replaceAll(/\.(\d)\d*/g, '.$1')} ms`
}

print(`Node.js ${process.version}, ${rounds} processes each, from ${pathToFileURL(from ?? ROOT).href}\n`)
print(head(['imported after libp2p, in the same process', 'CPU time', 'time'], WIDTHS))

for (const [name, results] of Object.entries(took)) {
  print(row([name, interval(results.map(({ added: { cpu } }) => cpu)), interval(results.map(({ added: { time } }) => time))], WIDTHS))
}

const alone = took['libp2p alone']

print(`\n${head(['the whole process, less one in the same round that imports libp2p alone', 'CPU time', 'time'], WIDTHS)}`)
print(row(['libp2p alone (not subtracted)', interval(alone.map(({ all: { cpu } }) => cpu)), interval(alone.map(({ all: { time } }) => time))], WIDTHS))

for (const [name, results] of Object.entries(took).slice(1)) {
  print(row([name, interval(results.map(({ all }, i) => all.cpu - alone[i].all.cpu)), interval(results.map(({ all }, i) => all.time - alone[i].all.time))], WIDTHS))
}
