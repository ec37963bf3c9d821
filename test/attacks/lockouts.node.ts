/**
 * What docs/attacks.md says about how many others it takes to lock a stranger out
 */

import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { lockoutRows } from './lockouts.ts'

describe('how many it takes to lock out a stranger', function () {
  this.timeout(120_000)

  it('should be as docs/attacks.md says, for machines with 1, 4 and 16 GiB', async () => {
    const docs = await readFile(new URL('../../docs/attacks.md', import.meta.url), 'utf8')

    expect(docs).to.include((await lockoutRows()).join('\n'))
  })
})
