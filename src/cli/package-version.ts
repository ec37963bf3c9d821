import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NAME = 'libp2p-resource-manager'

/**
 * The version of this package, from the nearest `package.json`. The built files are in another
 * directory than the source.
 */
export function packageVersion (directory: string = dirname(fileURLToPath(import.meta.url))): string {
  const parent = dirname(directory)

  try {
    const { name, version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))

    if (name === NAME) {
      return version
    }
  } catch {
    // there is none here
  }

  return parent === directory ? 'unknown' : packageVersion(parent)
}
