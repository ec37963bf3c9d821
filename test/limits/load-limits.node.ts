import { mkdtemp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { loadLimits } from '../../src/limits/load-limits.ts'
import { watchLimits } from '../../src/limits/watch-limits.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { LimitsWatcher } from '../../src/limits/watch-limits.ts'

let directory: string

/**
 * Gives every test of a suite a directory of its own
 */
function useDirectory (): void {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'limits-'))
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })
}

async function write (name: string, text: string): Promise<string> {
  const path = join(directory, name)

  await writeFile(path, text)

  return path
}

describe('load limits', () => {
  useDirectory()

  it('should read files by their extension', async () => {
    const limits = { system: { fd: 5 } }

    expect(await loadLimits(await write('a.json', '{ "System": { "FD": 5 } }'))).to.deep.equal(limits)
    expect(await loadLimits(await write('a.TOML', '[System]\nFD = 5'))).to.deep.equal(limits)
    expect(await loadLimits(await write('b.json', '\uFEFF{ "System": { "FD": 5 } }'))).to.deep.equal(limits)
  })

  it('should name the file and the problem', async () => {
    const bad = await write('bad.json', '{ "System": { "FD": -5 } }')
    const broken = await write('broken.toml', '[System')
    const missing = join(directory, 'missing.json')
    const folder = join(directory, 'folder.json')
    await mkdir(folder)

    for (const [path, problem] of [[bad, 'System.FD: expected'], [broken, 'line 1, column'], [missing, 'ENOENT'], [folder, 'EISDIR']]) {
      await expect(loadLimits(path)).to.eventually.be.rejected()
        .with.property('name', 'InvalidParametersError')
      await expect(loadLimits(path)).to.eventually.be.rejected()
        .with.property('message').that.satisfies((message: string) => message.startsWith(`${path}: `) && message.includes(problem))
    }
  })

  it('should say what is read in another way than it is written, with the file', async () => {
    const path = await write('a.json', '{ "Conns": 5 }')
    const notes: string[] = []

    expect(await loadLimits(path, { onNote: (note) => { notes.push(note) } })).to.deep.equal({ system: { conns: 5 } })
    expect(notes).to.deep.equal([`${path}: these are limits of one scope, and read as those of System`])

    const warning = new Promise<Error & { code?: string }>(resolve => { process.once('warning', resolve) })

    await loadLimits(path)
    expect(await warning).to.include({ name: 'ResourceManagerWarning', code: 'RESOURCE_MANAGER_FILE' }).with.property('message').that.includes(notes[0])
  })

  it('should refuse files of other kinds', async () => {
    for (const path of ['limits.yaml', 'limits', '', '.json', 'x.constructor', undefined, null, 5]) {
      await expect(loadLimits(path as any)).to.eventually.be.rejected()
        .with.property('name', 'InvalidParametersError')
    }
  })
})

describe('watch limits', () => {
  useDirectory()

  let watcher: LimitsWatcher
  let seen: Array<PartialLimitConfig | string>
  let notify: () => void
  const options = {
    interval: 5,
    log: {
      error: (format: string, reason: string): void => {
        seen.push(`${format} ${reason}`)
        notify()
      }
    }
  }

  beforeEach(() => {
    seen = []
    notify = () => {}
  })

  afterEach(() => {
    watcher?.stop()
  })

  function watch (path: string, onLimits = (limits: PartialLimitConfig): void => { seen.push(limits) }): void {
    watcher = watchLimits(path, (limits) => {
      onLimits(limits)
      notify()
    }, options)
  }

  /**
   * Waits until limits were delivered or errors logged that many times
   */
  async function until (count: number): Promise<void> {
    // a watcher does not keep the process alive, the test has to
    const alive = setInterval(() => {}, 1000)

    await new Promise<void>(resolve => {
      notify = () => {
        if (seen.length >= count) {
          resolve()
        }
      }
      notify()
    })

    clearInterval(alive)
  }

  it('should deliver the limits of the file now and when it changes', async () => {
    const path = await write('a.json', '{}')
    watch(path)
    await until(1)

    await write('a.json', '{ "System": { "FD": 5 } }')
    await until(2)

    // as many editors do
    await rename(await write('a.tmp', '{ "System": { "FD": 6 } }'), path)
    await until(3)

    expect(seen).to.deep.equal([{}, { system: { fd: 5 } }, { system: { fd: 6 } }])
  })

  it('should log one error for a bad file, and go on', async () => {
    const path = await write('a.toml', 'System.FD = 1')
    watch(path)
    await until(1)

    await write('a.toml', 'System.FD = -3')
    await until(2)

    await write('a.toml', 'System.FD = 10')
    await until(3)

    expect(seen).to.have.lengthOf(3)
    expect(seen[1]).to.include(`the limits stay as they are: %s ${path}: invalid limits: System.FD: expected`)
    expect(seen[2]).to.deep.equal({ system: { fd: 10 } })
  })

  it('should wait for a file that is missing', async () => {
    watch(join(directory, 'a.json'))
    await until(1)

    await write('a.json', '{}')
    await until(2)

    expect(seen[0]).to.include('ENOENT')
    expect(seen[1]).to.deep.equal({})
  })

  it('should log what the receiver throws, and go on', async () => {
    watch(await write('a.json', '{}'), (limits) => {
      if (limits.system == null) {
        throw new Error('I do not like it')
      }

      seen.push(limits)
    })
    await until(1)

    await write('a.json', '{ "System": { "FD": 5 } }')
    await until(2)

    expect(seen).to.deep.equal(['the limits stay as they are: %s I do not like it', { system: { fd: 5 } }])
  })

  it('should deliver nothing once it was stopped', async () => {
    const path = await write('a.json', '{}')
    watch(path)
    watcher.stop()
    watcher.stop()
    watcher[Symbol.dispose]()

    // another watcher shows that there was time enough
    const delivered: PartialLimitConfig[] = []
    watch(path, (limits) => { delivered.push(limits) })
    const alive = setInterval(() => {}, 1000)
    await new Promise<void>(resolve => {
      notify = () => { resolve() }
    })
    clearInterval(alive)

    expect(delivered).to.not.be.empty()
    expect(seen).to.be.empty()
  })

  it('should warn when nobody logs', async () => {
    const warning = new Promise<Error>(resolve => { process.once('warning', resolve) })

    watcher = watchLimits(join(directory, 'a.json'), () => {})

    expect((await warning).message).to.include('ENOENT')
  })

  it('should refuse bad arguments', () => {
    for (const args of [['', () => {}], [undefined, () => {}], ['a.json'], ['a.json', {}], ['a.json', () => {}, { interval: 0 }], ['a.json', () => {}, { interval: NaN }]]) {
      expect(() => { (watchLimits as any)(...args) }).to.throw().with.property('name', 'InvalidParametersError')
    }
  })
})
