import { readFileSync } from 'node:fs'

/**
 * Where `package.json` is from here, as source and as what is built from it
 */
const PLACES = ['../../package.json', '../../../package.json']

/**
 * The version of this package
 */
export function packageVersion (): string {
  for (const place of PLACES) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'))

      if (name === 'libp2p-resource-manager') {
        return version
      }
    } catch {
      // it is in the other place
    }
  }

  return 'unknown'
}
