/**
 * In pages, `x.browser.ts` takes the place of `x.ts` beside it: what is said nowhere else
 * than in the names of files, for TypeScript and for what tsc makes of it.
 */

import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * @param {string} specifier
 * @param {string} importer - The directory of the file that imports it
 * @returns {string | undefined} What takes its place, if anything does
 */
export function browserFile (specifier, importer) {
  if (!/^\..*\.[jt]s$/.test(specifier) || importer.includes('node_modules')) {
    return
  }

  const file = resolve(importer, specifier).replace(/\.(?=[jt]s$)/, '.browser.')

  return existsSync(file) ? file : undefined
}

/**
 * @type {import('rollup').Plugin}
 */
export const browserFiles = {
  name: 'files for browsers',
  resolveId: (specifier, importer) => importer == null ? undefined : browserFile(specifier, dirname(importer))
}

/**
 * The same for esbuild
 *
 * @param {RegExp} [except] - Files in whose place nothing is taken
 * @returns {import('esbuild').Plugin}
 */
export function browserFilesForEsbuild (except) {
  return {
    name: 'files for browsers',
    setup (build) {
      build.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const file = except?.test(path) === true ? undefined : browserFile(path, resolveDir)

        return file == null ? undefined : { path: file }
      })
    }
  }
}
