#!/usr/bin/env node
/**
 * Builds the live page of the admin server into `dist/admin-page`, which takes less than a
 * second. `npm run build` and `npm start` do it.
 */

import { copyFile, mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCE = 'src/admin/page'
const TARGET = 'dist/admin-page'

/**
 * What is copied as it is
 */
const FILES = ['index.html', 'icon.svg']

/**
 * Its comment is no legal one by name, and would be lost
 */
const BANNER = '/* Contains uPlot, Copyright (c) Leon Sorokin, MIT license: https://github.com/leeoniya/uPlot */'

await mkdir(`${ROOT}${TARGET}`, { recursive: true })
await build({
  absWorkingDir: ROOT,
  entryPoints: [{ in: `${SOURCE}/main.ts`, out: 'page' }, { in: `${SOURCE}/page.css`, out: 'page' }],
  outdir: TARGET,
  banner: { js: BANNER },
  bundle: true,
  format: 'esm',
  legalComments: 'none',
  logLevel: 'warning',
  minify: true,
  platform: 'browser',
  target: 'es2022'
})

await Promise.all(FILES.map(async file => copyFile(`${ROOT}${SOURCE}/${file}`, `${ROOT}${TARGET}/${file}`)))
