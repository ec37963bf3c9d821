#!/usr/bin/env node
/* eslint-disable no-console */
/**
 * Bundles what `aegir build` made the way applications for browsers do it, prints how
 * large it is and what it consists of, and fails above a maximum or where a built-in
 * module of Node.js would be needed.
 *
 * libp2p's own packages are left out: a page that runs a libp2p node has them already.
 */

import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * The packages of a libp2p node
 */
const LIBP2P = ['@libp2p/*', '@multiformats/*', 'interface-datastore', 'multiformats', 'uint8arraylist', 'uint8arrays']

const MAIN = "export * from './dist/src/index.js'"

/**
 * What applications import, and how large that may be in bytes, minified and
 * gzipped. Lower these whenever it becomes smaller.
 */
const BUNDLES = [
  { name: 'main entry', code: MAIN, max: 34_500 },
  ...['admission', 'bans', 'fairness', 'inspection', 'metrics', 'presets', 'pressure', 'sessions', 'tracing'].map(feature => ({
    name: `main entry and ${feature}`,
    code: `${MAIN}; export { ${feature} } from './dist/src/features.js'`
  })),
  { name: 'main entry and all features', code: `${MAIN}; export * from './dist/src/features.js'`, max: 83_000 },
  { name: 'limits', code: "export * from './dist/src/limits.js'", max: 11_500 },
  { name: 'sessions', code: "export * from './dist/src/sessions.js'", max: 10_000 },
  { name: 'toml', code: "export * from './dist/src/toml.js'", max: 12_500 }
]

const WIDTH = 30

/**
 * @param {string} code
 * @param {string[]} external
 * @throws {Error} where something cannot be resolved in browsers
 */
async function bundle (code, external) {
  const { outputFiles: [{ contents }], metafile: { outputs } } = await build({
    stdin: { contents: code, resolveDir: ROOT },
    absWorkingDir: ROOT,
    bundle: true,
    conditions: ['production'],
    external,
    format: 'esm',
    logLevel: 'error',
    metafile: true,
    minify: true,
    platform: 'browser',
    write: false
  })
  const [{ inputs }] = Object.values(outputs)

  return { minified: contents.byteLength, gzipped: gzipSync(contents, { level: 9 }).byteLength, inputs }
}

/**
 * A room of src/, the files beside the rooms, or a dependency
 *
 * @param {string} path
 */
function roomOf (path) {
  return /^dist\/src\/(\w+)\//.exec(path)?.[1] ?? /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '(beside the rooms)'
}

/**
 * @param {Record<string, { bytesInOutput: number }>} inputs
 */
function sizeByRoom (inputs) {
  /** @type {Record<string, number>} */
  const sizes = {}

  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const room = roomOf(path)

    sizes[room] = (sizes[room] ?? 0) + bytesInOutput
  }

  return sizes
}

const kB = (/** @type {number} */ bytes) => (bytes / 1000).toFixed(1).padStart(6)

let tooLarge = false
/** @type {Record<string, Record<string, number>>} */
const rooms = {}

console.info(`${'kB'.padEnd(WIDTH)} minified gzipped maximum`)

for (const { name, code, max = Infinity } of BUNDLES) {
  const { minified, gzipped, inputs } = await bundle(code, LIBP2P)
  const verdict = gzipped > max ? '  too large' : ''

  // with libp2p's packages, too, nothing may need a built-in module of Node.js:
  // esbuild cannot resolve those for browsers, and fails
  await bundle(code, [])

  tooLarge ||= gzipped > max
  rooms[name] = sizeByRoom(inputs)
  console.info(`${name.padEnd(WIDTH)} ${kB(minified)}  ${kB(gzipped)}  ${max === Infinity ? '' : kB(max)}${verdict}`)
}

console.info('\nof the main entry, minified')

for (const [room, size] of Object.entries(rooms['main entry']).sort(([, a], [, b]) => b - a)) {
  console.info(`${room.padEnd(WIDTH)} ${kB(size)}`)
}

process.exitCode = tooLarge ? 1 : 0
