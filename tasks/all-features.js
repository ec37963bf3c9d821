import { resolve } from 'node:path'

/**
 * A plugin of esbuild. Pages leave features out by default, and tests are about all of
 * them in browsers too: they get the default of Node.js.
 *
 * @type {import('esbuild').Plugin}
 */
export const allFeatures = {
  name: 'all features',
  setup (build) {
    // what a plugin has resolved is not replaced by what `browser` in package.json says
    build.onResolve({ filter: /\/default-features\.js$/ }, ({ path, resolveDir }) => ({ path: resolve(resolveDir, path) }))
  }
}
