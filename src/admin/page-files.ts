import { readFile } from 'node:fs/promises'
import { RequestError } from './answers.ts'

/**
 * The files of the page, by path
 */
const FILES: Record<string, { name: string, type: string }> = {
  '/': { name: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.js': { name: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/page.css': { name: 'page.css', type: 'text/css; charset=utf-8' },
  '/icon.svg': { name: 'icon.svg', type: 'image/svg+xml' }
}

/**
 * Where `tasks/build-page.js` puts them: seen from the package, where this is part of a file of
 * `dist/src` or below it, and from `src/admin`
 */
const DIRECTORIES = ['../admin-page/', '../../admin-page/', '../../dist/admin-page/']

export interface PageFile {
  type: string
  content: Uint8Array
}

export function isPageFile (path: string): boolean {
  return Object.hasOwn(FILES, path)
}

/**
 * @throws {RequestError} if the page was not built
 */
export async function readPageFile (path: string): Promise<PageFile> {
  const { name, type } = FILES[path]

  for (const directory of DIRECTORIES) {
    try {
      return { type, content: await readFile(new URL(`${directory}${name}`, import.meta.url)) }
    } catch (err: any) {
      if (err.code !== 'ENOENT') {
        throw err
      }
    }
  }

  throw new RequestError(404, 'the page was not built: run `npm run build`')
}
