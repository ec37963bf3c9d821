#!/usr/bin/env node
/* eslint-disable no-console */
/**
 * Packs what `npm run build` made, installs it in a project of its own, and uses it there
 * as its users do: types, `import` and `require`, and a node with a connection, in
 * every version of Node.js that is supported. It needs npm's registry.
 */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CONSUMER = fileURLToPath(new URL('./package-consumer', import.meta.url))

const NODE_VERSIONS = [22, 24]

/**
 * What the project of a user has, in the versions that this package is developed with
 */
const DEPENDENCIES = [
  '@chainsafe/libp2p-noise',
  '@chainsafe/libp2p-yamux',
  '@libp2p/echo',
  '@libp2p/interface',
  '@libp2p/tcp',
  'libp2p',
  'prom-client'
]

/**
 * What is installed beside them, in the versions that are installed here. libp2p's types
 * need those of Node.js.
 */
const TOOLS = ['@types/node', 'typescript']

const PUBLINT = '0.3.25'

const COMPILER_OPTIONS = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2024,esnext.disposable,dom,dom.asynciterable', '--types', 'node']

/**
 * The strictest that a project may be: it looks into our types too, and keeps what may be
 * left out apart from what may be `undefined`
 */
const STRICTEST_OPTIONS = ['--skipLibCheck', 'false', '--exactOptionalPropertyTypes']

/**
 * What is compiled for which `moduleResolution`
 */
const MODULE_RESOLUTIONS = {
  node16: ['--module', 'node16', 'types.ts'],
  nodenext: ['--module', 'nodenext', 'types.ts', 'types.cts'],
  bundler: ['--module', 'esnext', 'types.ts']
}

/**
 * Everything else has no business in the package
 */
const PACKED = /^(?:dist\/(?:browser|src)\/.+\.js|dist\/admin-page\/(?:index\.html|page\.(?:js|css)|icon\.svg)|dist\/src\/.+\.d\.ts|dashboards\/.+\.(?:json|yml)|docs\/.+\.md|package\.json|README\.md|CHANGELOG\.md|LICENSE(?:-APACHE|-MIT)?)$/

const REQUIRED_FILES = ['README.md', 'CHANGELOG.md', 'docs/tuning.md', 'LICENSE-APACHE', 'LICENSE-MIT', ...['index.html', 'page.js', 'page.css', 'icon.svg'].map(name => `dist/admin-page/${name}`)]

/**
 * How much the package may be once it is installed. The README says so too.
 */
const MAX_INSTALLED = { files: 200, bytes: 2_000_000 }

/**
 * @param {string} file
 */
function readJSON (file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 */
function run (command, args, cwd) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (err) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (err)

    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`)
  }
}

/**
 * @param {string[]} args
 * @param {string} cwd
 */
function npm (args, cwd) {
  return run('npm', [...args, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], cwd)
}

/**
 * @param {string} name
 * @param {() => void} check
 */
function step (name, check) {
  check()
  console.info(`✔ ${name}`)
}

/**
 * Installs a version of Node.js
 *
 * @param {number} version
 * @param {string} directory
 */
function installNode (version, directory) {
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }))
  npm(['install', `node@${version}`], directory)

  return join(directory, 'node_modules', '.bin', 'node')
}

/**
 * @param {{ files: Array<{ path: string }> }} pack
 * @param {{ bin: Record<string, string>, exports: Record<string, string | Record<string, string>> }} manifest
 */
function checkFiles ({ files }, manifest) {
  const paths = files.map(({ path }) => path)
  // a pattern stands for what is in a directory, of which one is required below
  const targets = Object.values(manifest.exports).flatMap(target => typeof target === 'string' ? [] : Object.values(target))
  const commands = Object.values(manifest.bin)

  assert.deepEqual(paths.filter(path => !PACKED.test(path)), [], 'files that are not to be packed')
  assert.deepEqual([...REQUIRED_FILES, ...targets, ...commands].map(path => path.replace(/^\.\//, '')).filter(path => !paths.includes(path)), [], 'files that are missing')
}

/**
 * Finds out how much is installed, dependencies aside
 *
 * @param {string} directory
 */
function measure (directory) {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const bytes = files.reduce((sum, { name, parentPath }) => sum + statSync(join(parentPath, name)).size, 0)

  return { files: files.length, bytes }
}

/**
 * @param {string} directory
 */
function checkSize (directory) {
  const { files, bytes } = measure(directory)

  assert.ok(files <= MAX_INSTALLED.files && bytes <= MAX_INSTALLED.bytes, `${files} files of ${bytes} bytes are installed, more than ${MAX_INSTALLED.files} files or ${MAX_INSTALLED.bytes} bytes`)

  return `${files} files, ${(bytes / 1_000_000).toFixed(2)} MB installed`
}

/**
 * @param {string} directory
 */
function checkPackage (directory) {
  const manifest = readJSON(join(ROOT, 'package.json'))
  const versions = { ...manifest.dependencies, ...manifest.devDependencies }
  const tools = TOOLS.map(name => `${name}@${readJSON(join(ROOT, 'node_modules', name, 'package.json')).version}`)
  // a list, or an object, depending on the version of npm
  const [pack] = Object.values(JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', directory], ROOT)))
  const project = join(directory, 'project')
  const bin = join(project, 'node_modules', '.bin')

  step(`${pack.files.length} files, ${(pack.size / 1000).toFixed(0)} kB packed`, () => { checkFiles(pack, manifest) })

  cpSync(CONSUMER, project, { recursive: true })
  rmSync(join(project, 'tsconfig.json'))
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))

  step('installed', () => {
    npm(['install', '--ignore-scripts', join(directory, pack.filename), `publint@${PUBLINT}`, ...tools, ...DEPENDENCIES.map(name => `${name}@${versions[name]}`)], project)
  })

  step(checkSize(join(project, 'node_modules', manifest.name)), () => {})

  step('publint', () => {
    run(join(bin, 'publint'), ['run', '--strict', join('node_modules', manifest.name)], project)
  })

  for (const [resolution, options] of Object.entries(MODULE_RESOLUTIONS)) {
    step(`types, ${resolution}`, () => { run(join(bin, 'tsc'), [...COMPILER_OPTIONS, '--moduleResolution', resolution, ...options], project) })
  }

  step('types, as strict as can be', () => {
    run(join(bin, 'tsc'), [...COMPILER_OPTIONS, ...STRICTEST_OPTIONS, '--moduleResolution', 'nodenext', ...MODULE_RESOLUTIONS.nodenext], project)
  })

  // by hand, as npm would not have it twice without a second tarball
  const copy = join(project, 'node_modules', 'other-resource-manager')

  cpSync(join(project, 'node_modules', manifest.name), copy, { recursive: true })
  writeFileSync(join(copy, 'package.json'), JSON.stringify({ ...manifest, name: 'other-resource-manager', version: '0.0.1' }))

  step('two versions in one program', () => { run(process.execPath, ['two-versions.js'], project) })
  step('what pages get', () => { run(process.execPath, ['--conditions=browser', 'page.js'], project) })

  for (const version of NODE_VERSIONS) {
    const node = installNode(version, join(directory, `node-${version}`))

    step(`require and import, Node.js ${run(node, ['--version'], project).trim()}`, () => { run(node, ['require.cjs'], project) })
    step(`the command, Node.js ${version}`, () => { run(node, ['command.js'], project) })
    step(`two nodes, Node.js ${version}`, () => { run(node, ['smoke.js'], project) })
  }
}

const directory = mkdtempSync(join(tmpdir(), 'check-package-'))

try {
  checkPackage(directory)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
