import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { anchorsIn, linksIn, namesIn, pathsIn, readDocuments, roomsIn, scriptsIn, testsIn, walksIn } from './documents.ts'

// a guide that leads nowhere, or that promises a test which is no longer there, is worse than
// none: whatever documents refer to in this package has to exist

describe('what documents refer to', () => {
  let documents: Map<string, string>

  before(async () => {
    documents = await readDocuments()
  })

  function inDocuments<T> (find: (text: string, name: string) => T[]): T[] {
    return Array.from(documents, ([name, text]) => find(text, name)).flat()
  }

  it('should be found', () => {
    expect(Array.from(documents.keys())).to.include.members(['README.md', 'docs/tuning.md', 'bench/README.md'])
    expect(inDocuments((text, name) => linksIn(name, text))).to.have.length.above(50)
    expect(inDocuments(pathsIn)).to.have.length.above(30)
    expect(inDocuments(scriptsIn)).to.have.length.above(10)
    expect(inDocuments(testsIn)).to.have.length.above(10)
    expect(inDocuments(namesIn)).to.have.length.above(50)
  })

  it('should be documents and sections that exist', () => {
    const broken: string[] = []

    for (const [name, text] of documents) {
      for (const { path, anchor } of linksIn(name, text)) {
        const target = documents.get(path)

        if (!existsSync(path) || (anchor != null && (target == null || !anchorsIn(target).has(anchor)))) {
          broken.push(`${name}: ${path}${anchor == null ? '' : `#${anchor}`}`)
        }
      }
    }

    expect(broken).to.deep.equal([])
  })

  it('should be files that exist', () => {
    // results are not kept
    const missing = inDocuments(pathsIn).filter(path => !existsSync(path) && !path.startsWith('bench/results'))

    expect(missing).to.deep.equal([])
  })

  it('should be scripts that exist', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8'))

    expect(inDocuments(scriptsIn).filter(script => scripts[script] == null)).to.deep.equal([])
  })

  it('should be tests that exist', async () => {
    const missing: string[] = []

    for (const { path, title } of inDocuments(testsIn)) {
      const source = existsSync(path) ? await readFile(path, 'utf8') : ''

      // a title may go on with what is different in each of several tests
      if (!source.includes(`it('${title}`) && !source.includes(`it(\`${title}`)) {
        missing.push(`${path}: ${title}`)
      }
    }

    expect(missing).to.deep.equal([])
  })

  it('should be as many files as a walk says', () => {
    const walks = walksIn(documents.get('docs/architecture.md') ?? '')

    expect(walks).to.have.lengthOf(2)
    expect(walks.map(({ files }) => files.size)).to.deep.equal(walks.map(({ said }) => said))
  })

  it('should be functions and classes that are where they are said to be', async () => {
    const files = (await readdir('src', { recursive: true })).map(path => `src/${path.replaceAll('\\', '/')}`)
    const missing: string[] = []

    for (const { path, name } of inDocuments(namesIn)) {
      // the file is named by as much of its path as tells it from others
      const sources = await Promise.all(path.split(' ').map(async end => {
        const found = files.filter(file => file === end || file.endsWith(`/${end}`))

        return found.length === 1 ? readFile(found[0], 'utf8') : ''
      }))

      if (!sources.some(source => new RegExp(`(?<![\\w#])${name}\\b`).test(source))) {
        missing.push(`${path}: ${name}`)
      }
    }

    expect(missing).to.deep.equal([])
  })

  describe('rooms of the code', () => {
    it('should all be listed, with a first file of their own', async () => {
      const rooms = inDocuments(roomsIn)
      const files = (await readdir('src', { recursive: true })).map(path => `src/${path.replaceAll('\\', '/')}`).filter(path => path.endsWith('.ts'))
      const directories = new Set(files.map(path => path.slice(0, path.lastIndexOf('/'))).filter(path => path !== 'src'))

      // each file of util stands alone, and the page belongs to its server
      expect(rooms.map(({ directory }) => directory)).to.have.members([...directories].filter(path => path !== 'src/util' && path !== 'src/admin/page'))
      expect(rooms.filter(({ directory, first }) => first.slice(0, first.lastIndexOf('/')) !== directory)).to.deep.equal([])
    })

    it('should say at the top of their first file what comes in, what goes out, what may fail and what it costs', async () => {
      const missing: string[] = []

      for (const { first } of inDocuments(roomsIn)) {
        const header = /^\/\*\*\n( \*.*\n)+? \*\/\n\n/.exec(await readFile(first, 'utf8'))?.[0] ?? ''

        for (const word of ['In', 'Out', 'Fails', 'Costs']) {
          if (!new RegExp(`^ \\* ${word}: \\S`, 'm').test(header)) {
            missing.push(`${first}: ${word}`)
          }
        }
      }

      expect(missing).to.deep.equal([])
    })
  })
})
