import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Runs something that needs a directory for a while
 */
export async function withDirectory <T> (work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'apps-'))

  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
