#!/usr/bin/env node
/* eslint-disable no-console */
/**
 * Makes the files of the package of what `tsc` has made, which is one file for each of ours:
 * hundreds, which take longer to find than to read.
 *
 * `dist/src` is for Node.js, Bun and Deno. What the main entry needs is one file.
 *
 * `dist/browser` is for pages (the condition `browser` of `exports`). It has a file for each
 * feature, as bundlers can leave out files better than parts of them.
 *
 * The types of both are in `dist/src`.
 *
 * What the entry points are is in package.json: whatever `exports` and `bin` name is made.
 * Names are kept. Comments are not: those of public names are in the types. What is for pages
 * has no more whitespace than it needs, as bundlers are all that reads it.
 */

import { globSync, readFileSync, rmSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { browserFiles } from './browser-files.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * What `tsc` has made
 */
const COMPILED = resolve(ROOT, 'dist/tsc/src')

/**
 * Where the types, and the code that is not for pages, go
 */
const OUTPUT = 'dist/src'

const OUTPUT_FOR_PAGES = 'dist/browser'

const { bin, exports } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'))

/**
 * What package.json names in a directory, without the directory and the extension
 *
 * @param {string} directory
 * @param {string} extension
 */
function targets (directory, extension) {
  const found = new Set()
  const prefix = `./${directory}/`

  const visit = (/** @type {unknown} */ value) => {
    if (typeof value === 'string') {
      const path = `./${value.replace(/^\.\//, '')}`

      if (path.startsWith(prefix) && path.endsWith(extension) && !path.includes('*')) {
        found.add(path.slice(prefix.length, -extension.length))
      }
    } else {
      Object.values(value ?? {}).forEach(visit)
    }
  }

  visit(exports)
  visit(bin)

  return Array.from(found)
}

/**
 * @param {string[]} names
 * @param {string} extension
 */
function inputs (names, extension) {
  return Object.fromEntries(names.map(name => [name, resolve(COMPILED, name + extension)]))
}

/**
 * @param {string} id
 */
function isExternal (id) {
  return !id.startsWith('.') && !id.startsWith('/')
}

/**
 * Chunks that import each other run in an order that nobody has written. That somebody cannot
 * name the type of a part of something public is all right: it has been so without chunks.
 *
 * @type {import('rollup').LogHandlerWithDefault}
 */
function failOnWarnings (level, log) {
  if (level === 'warn' && log.code !== 'EMPTY_BUNDLE' && log.plugin == null) {
    throw new Error(log.message)
  }
}

/**
 * Without comments, and with statements as short as they can be: that is one byte in forty of
 * everything that is installed. Names stay, for stack traces.
 *
 * @param {boolean} minifyWhitespace
 * @returns {import('rollup').Plugin}
 */
function withoutComments (minifyWhitespace) {
  return {
    name: 'without comments',
    async renderChunk (code) {
      const options = /** @type {const} */ ({ charset: 'ascii', format: 'esm', loader: 'js', target: 'esnext' })
      // esbuild keeps comments in classes where it keeps whitespace
      const { code: bare } = await transform(code, { ...options, minifyWhitespace: true, minifySyntax: true })

      return minifyWhitespace ? bare : (await transform(bare, options)).code
    }
  }
}

/**
 * Where template literals are, as what is in them must stay as it is
 *
 * @param {import('rollup').AstNode} program
 */
function templateLiterals (program) {
  /** @type {Array<{ start: number, end: number }>} */
  const found = []

  const visit = (/** @type {unknown} */ node) => {
    if (node == null || typeof node !== 'object') {
      return
    }

    if ('type' in node && node.type === 'TemplateElement') {
      found.push(/** @type {import('rollup').AstNode} */ (node))
    } else {
      Object.values(node).forEach(visit)
    }
  }

  visit(program)

  return found
}

/**
 * A tab for each level, which saves one byte in thirty of everything that is installed
 *
 * @param {number} spaces - that are one level
 * @returns {import('rollup').Plugin}
 */
function withTabs (spaces) {
  const level = ' '.repeat(spaces)

  return {
    name: 'with tabs',
    renderChunk (code, { fileName }) {
      const literals = fileName.endsWith('.ts') ? [] : templateLiterals(this.parse(code))

      return code.replace(/^ +/gm, (indent, offset) => {
        return literals.some(({ start, end }) => start < offset && offset < end) ? indent : indent.replaceAll(level, '\t')
      })
    }
  }
}

/**
 * Each feature is where a chunk begins
 *
 * @type {import('rollup').Plugin}
 */
const featureChunks = {
  name: 'a chunk for each feature',
  buildStart () {
    for (const file of globSync(`${COMPILED}/features/*.js`)) {
      // those without any code have types
      if (!/\/default-features\./.test(file) && !/^export \{\};/m.test(readFileSync(file, 'utf8'))) {
        this.emitFile({ type: 'chunk', id: file, name: relative(COMPILED, file).replace(/\.js$/, ''), preserveSignature: 'allow-extension' })
      }
    }
  }
}

/** @type {import('rollup').RollupOptions} */
const OPTIONS = {
  external: isExternal,
  onLog: failOnWarnings,
  preserveEntrySignatures: 'strict',
  treeshake: { moduleSideEffects: false }
}

/** @type {import('rollup').OutputOptions} */
const OUTPUT_OPTIONS = {
  chunkFileNames: 'chunks/[name].js',
  entryFileNames: '[name].js',
  format: 'es',
  generatedCode: 'es2015',
  hoistTransitiveImports: false,
  minifyInternalExports: false,
  onlyExplicitManualChunks: true
}

/**
 * @param {import('rollup').RollupBuild} bundle
 * @param {string} directory
 * @param {import('rollup').OutputOptions} options
 */
async function write (bundle, directory, options) {
  const { output } = await bundle.write({ ...OUTPUT_OPTIONS, ...options, dir: resolve(ROOT, directory) })
  const bytes = output.reduce((sum, file) => sum + (file.type === 'chunk' ? Buffer.byteLength(file.code) : 0), 0)

  console.info(`${directory}: ${output.length} files, ${(bytes / 1000).toFixed(0)} kB`)

  return output
}

/**
 * Everything that the main entry needs, the main entry itself included
 *
 * @param {Map<string, readonly string[]>} imports
 */
function neededByMain (imports) {
  const needed = new Set([resolve(COMPILED, 'index.js')])

  // what is added is visited too
  for (const id of needed) {
    imports.get(id)?.filter(imported => !isExternal(imported)).forEach(imported => { needed.add(imported) })
  }

  return needed
}

async function bundle () {
  const doors = targets(OUTPUT, '.js')
  const input = inputs(doors, '.js')
  /** @type {Map<string, readonly string[]>} */
  const imports = new Map()
  const graph = { name: 'graph', moduleParsed: (/** @type {import('rollup').ModuleInfo} */ { id, importedIds }) => { imports.set(id, importedIds) } }
  const bundle = await rollup({ ...OPTIONS, input, plugins: [graph, withoutComments(false), withTabs(2)] })
  const main = neededByMain(imports)
  const entries = Object.values(input)

  await write(bundle, OUTPUT, { manualChunks: id => main.has(id) && !entries.includes(id) ? 'main' : undefined })
}

async function bundleForPages () {
  const bundle = await rollup({ ...OPTIONS, input: inputs(targets(OUTPUT_FOR_PAGES, '.js'), '.js'), plugins: [browserFiles, featureChunks, withoutComments(true)] })

  for (const file of await write(bundle, OUTPUT_FOR_PAGES, {})) {
    const builtIn = file.type === 'chunk' ? file.imports.find(id => id.startsWith('node:')) : undefined

    if (builtIn != null) {
      throw new Error(`${OUTPUT_FOR_PAGES}/${file.fileName} imports ${builtIn}, which pages do not have`)
    }
  }
}

async function bundleTypes () {
  const bundle = await rollup({ ...OPTIONS, input: inputs(targets(OUTPUT, '.d.ts'), '.d.ts'), plugins: [dts(), withTabs(4)] })

  // a chunk is called after a file, `x.d`
  await write(bundle, OUTPUT, { chunkFileNames: ({ name }) => `chunks/${name.replace(/\.d$/, '')}.d.ts`, entryFileNames: '[name].d.ts' })
}

rmSync(resolve(ROOT, OUTPUT), { recursive: true, force: true })
rmSync(resolve(ROOT, OUTPUT_FOR_PAGES), { recursive: true, force: true })

await bundle()
await bundleForPages()
await bundleTypes()
