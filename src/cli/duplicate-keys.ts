import { join } from '../util/problems.ts'

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g

interface Open {
  /** The keys that were there, and `undefined` in a list */
  keys?: Set<string>

  /** The last one */
  key: string
}

/**
 * The path of the first key that an object has twice. `JSON.parse` keeps the last one of them
 * and says nothing.
 *
 * @param json - a text that is JSON
 */
export function findDuplicateKey (json: string): string | undefined {
  const open: Open[] = []
  let isKey = false

  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      open.push({ keys: token === '{' ? new Set() : undefined, key: '' })
      isKey = token === '{'
    } else if (token === '}' || token === ']') {
      open.pop()
      isKey = false
    } else if (token === ',') {
      isKey = open.at(-1)?.keys != null
    } else if (isKey) {
      const object = open[open.length - 1]

      object.key = JSON.parse(token)
      isKey = false

      if (object.keys?.has(object.key) === true) {
        return open.filter(({ keys }) => keys != null).map(({ key }) => key).reduce(join, '')
      }

      object.keys?.add(object.key)
    }
  }
}
