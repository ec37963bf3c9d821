import { readdir, readFile } from 'node:fs/promises'

/**
 * What people read. Tests are run from the root of the package.
 */
export async function documentNames (): Promise<string[]> {
  const names = await Promise.all(['.', 'docs', 'bench'].map(async directory => {
    return (await readdir(directory)).filter(name => name.endsWith('.md')).map(name => directory === '.' ? name : `${directory}/${name}`)
  }))

  return names.flat()
}

/**
 * Code that is no prose, and tables in it that are no links
 */
export function withoutCode (text: string): string {
  return text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '')
}

/**
 * The anchors of the headings, as GitHub makes them
 */
export function anchorsIn (text: string): Set<string> {
  const headings = text.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.+)$/gm)

  return new Set(Array.from(headings, ([, heading]) => {
    return heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(' ', '-')
  }))
}

export interface Link {
  /** Where it leads to, from the root, or nothing where it stays in its document */
  readonly path: string
  readonly anchor?: string
}

/**
 * The links to what is in this package
 */
export function linksIn (name: string, text: string): Link[] {
  const targets = Array.from(withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target)

  return targets.filter(target => !/^[a-z]+:/.test(target)).map(target => {
    const { pathname, hash } = new URL(target, `file:///${name}`)

    return { path: pathname.slice(1), anchor: hash === '' ? undefined : decodeURIComponent(hash.slice(1)) }
  })
}

/**
 * Paths of files and directories that are named in code spans, such as `test/node.ts`
 */
export function pathsIn (text: string): string[] {
  return Array.from(text.matchAll(/`((?:bench|dashboards|docs|examples|src|tasks|test)\/[\w./-]*\w)`/g), ([, path]) => path)
}

/**
 * Scripts that people are told to run, such as `npm run attack`
 */
export function scriptsIn (text: string): string[] {
  return Array.from(text.matchAll(/npm run (?:--silent )?([\w:-]+)/g), ([, script]) => script)
}

/**
 * A title of a test in a document, and the file that it is said to be in
 */
export interface QuotedTest {
  readonly path: string
  readonly title: string
}

/**
 * The titles of tests that follow the file that they are in: `test/a.spec.ts`: "should …", "should …"
 */
export function testsIn (text: string): QuotedTest[] {
  return Array.from(text.matchAll(/`(test\/[\w./-]+)`: ((?:"[^"]+"(?:, )?)+)/g), ([, path, titles]) => {
    return Array.from(titles.matchAll(/"([^"]+)"/g), ([, title]) => ({ path, title }))
  }).flat()
}

/**
 * What is in a file, as a document says
 */
export interface QuotedName {
  readonly path: string
  readonly name: string
}

/**
 * Names that follow the file that they are in: `a.ts`: `b`, `c`. In a table of four columns they may
 * have a column of their own, after that of their files.
 */
export function namesIn (text: string): QuotedName[] {
  const inOneCell = Array.from(text.matchAll(/`([\w./-]+\.ts)`: ((?:`#?\w+`(?:, )?)+)/g), ([, path, names]) => ({ paths: [path], names }))
  const inTwo = Array.from(text.matchAll(/^\| \d+ \|[^|]*\| ([^|]*) \| ([^|]*) \|$/gm), ([, files, names]) => ({ paths: spansIn(files), names }))

  return [...inOneCell, ...inTwo].flatMap(({ names, paths }) => spansIn(names).map(name => ({ path: paths.join(' '), name })))
}

/**
 * A room of the code, and the file that one begins with there
 */
export interface Room {
  readonly directory: string
  readonly first: string
}

/**
 * The rows of a table of rooms: | `src/a/` | `src/a/b.ts` |
 */
export function roomsIn (text: string): Room[] {
  return Array.from(text.matchAll(/^\| `(src\/[\w/-]+)\/` \| `(src\/[\w./-]+)` \|$/gm), ([, directory, first]) => ({ directory, first }))
}

/**
 * How many files a walk through the code says that it has, and those that it has
 */
export interface Walk {
  readonly said: number
  readonly files: ReadonlySet<string>
}

const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve']

/**
 * Sections that begin with a number of files, and have a table of steps with their files in its third column
 */
export function walksIn (text: string): Walk[] {
  return Array.from(text.matchAll(/^## The walk [^\n]*\n+(\w+) files(.*?)(?=^## )/gms), ([, number, section]) => ({
    said: NUMBERS.indexOf(number.toLowerCase()),
    files: new Set(Array.from(section.matchAll(/^\| \d+ \|[^|]*\| ([^|]*) \|/gm), ([, files]) => spansIn(files)).flat())
  }))
}

function spansIn (text: string): string[] {
  return Array.from(text.matchAll(/`([^`]+)`/g), ([, span]) => span)
}

export async function readDocuments (): Promise<Map<string, string>> {
  const names = await documentNames()

  return new Map(await Promise.all(names.map(async name => [name, await readFile(name, 'utf8')] as const)))
}
