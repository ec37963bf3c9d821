#!/usr/bin/env node
/* eslint-disable no-console */
/**
 * Bundles what `npm run build` made the way applications for browsers do it, with esbuild and
 * with Rollup, prints how large it is and what it consists of, and fails where either of them
 * makes it larger than promised, or where a built-in module of Node.js would be needed.
 *
 * libp2p's own packages are left out: a page that runs a libp2p node has them already.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, transform } from 'esbuild'
import { rollup } from 'rollup'
import { browserFilesForEsbuild } from './browser-files.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * The packages of a libp2p node
 */
const LIBP2P = ['@libp2p/*', '@multiformats/*', 'interface-datastore', 'multiformats', 'uint8arraylist', 'uint8arrays']

const NAME = 'libp2p-resource-manager'

const MAIN = `export * from '${NAME}'`

/**
 * What applications import, and how large that may be in bytes, minified and
 * gzipped, by any of the bundlers. Lower these whenever it becomes smaller.
 */
const BUNDLES = [
  { name: 'main entry', code: MAIN, max: 35_800 },
  ...['admission', 'bans', 'fairness', 'inspection', 'metrics', 'presets', 'pressure', 'sessions', 'tracing'].map(feature => ({
    name: `main entry and ${feature}`,
    code: `${MAIN}; export { ${feature} } from '${NAME}/features'`
  })),
  { name: 'main entry and all features', code: `${MAIN}; export * from '${NAME}/features'`, max: 90_400 },
  { name: 'limits', code: `export * from '${NAME}/limits'`, max: 12_000 },
  { name: 'sessions', code: `export * from '${NAME}/sessions'`, max: 10_200 },
  { name: 'toml', code: `export * from '${NAME}/toml'`, max: 13_300 }
]

const WIDTH = 30

/**
 * The main entry as `tsc` has made it, with a file for each of ours
 */
const COMPILED = "export * from './dist/tsc/src/index.js'"

const { exports } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'))

/**
 * @param {string} code
 * @param {import('esbuild').BuildOptions} [options]
 * @throws {Error} where something cannot be resolved in browsers
 */
async function bundle (code, options) {
  const { outputFiles: [{ contents }], metafile: { outputs } } = await build({
    stdin: { contents: code, resolveDir: ROOT },
    absWorkingDir: ROOT,
    bundle: true,
    conditions: ['production'],
    format: 'esm',
    logLevel: 'error',
    metafile: true,
    minify: true,
    platform: 'browser',
    write: false,
    ...options
  })
  const [{ inputs }] = Object.values(outputs)

  return { contents, inputs }
}

/**
 * @type {import('rollup').Plugin}
 */
const resolvePackages = {
  name: 'packages',
  resolveId: (id) => {
    if (id === NAME || id.startsWith(`${NAME}/`)) {
      return fileURLToPath(new URL(exports[`.${id.slice(NAME.length)}`].browser, `file://${ROOT}`))
    }

    if (id.startsWith('.') || id.startsWith('/') || id === 'code') {
      return
    }

    return LIBP2P.some(name => id.startsWith(name.replace('*', ''))) ? { id, external: true } : fileURLToPath(import.meta.resolve(id))
  }
}

/**
 * What Rollup makes of it, minified by esbuild
 *
 * @param {string} code
 */
async function bundleWithRollup (code) {
  const source = { name: 'code', resolveId: (/** @type {string} */ id) => id === 'code' ? id : undefined, load: (/** @type {string} */ id) => id === 'code' ? code : undefined }
  const bundle = await rollup({ input: 'code', plugins: [source, resolvePackages], logLevel: 'silent' })
  const { output: [chunk] } = await bundle.generate({ format: 'es' })

  return Buffer.from((await transform(chunk.code, { minify: true, format: 'esm' })).code)
}

/**
 * A room of src/, the files beside the rooms, or a dependency
 *
 * @param {string} path
 */
function roomOf (path) {
  return /^dist\/tsc\/src\/(\w+)\//.exec(path)?.[1] ?? /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '(beside the rooms)'
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

const gzippedSize = (/** @type {Uint8Array} */ contents) => gzipSync(contents, { level: 9 }).byteLength
const kB = (/** @type {number} */ bytes) => (bytes / 1000).toFixed(1).padStart(6)

let tooLarge = false

console.info(`${'kB'.padEnd(WIDTH)} minified gzipped  Rollup maximum`)

for (const { name, code, max = Infinity } of BUNDLES) {
  const { contents } = await bundle(code, { external: LIBP2P })
  const gzipped = gzippedSize(contents)
  const byRollup = gzippedSize(await bundleWithRollup(code))
  const verdict = Math.max(gzipped, byRollup) > max ? '  too large' : ''

  // with libp2p's packages, too, nothing may need a built-in module of Node.js:
  // esbuild cannot resolve those for browsers, and fails
  await bundle(code)

  tooLarge ||= verdict !== ''
  console.info(`${name.padEnd(WIDTH)} ${kB(contents.byteLength)}  ${kB(gzipped)}  ${kB(byRollup)}  ${max === Infinity ? '' : kB(max)}${verdict}`)
}

console.info('\nof the main entry, minified')

const { inputs } = await bundle(COMPILED, { external: LIBP2P, plugins: [browserFilesForEsbuild()] })

for (const [room, size] of Object.entries(sizeByRoom(inputs)).sort(([, a], [, b]) => b - a)) {
  console.info(`${room.padEnd(WIDTH)} ${kB(size)}`)
}

process.exitCode = tooLarge ? 1 : 0
