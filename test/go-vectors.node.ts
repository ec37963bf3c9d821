import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'aegir/chai'
import { ScriptRunner } from './fixtures/go-vector-script.ts'
import type { Vector } from './fixtures/go-vector-script.ts'

const directory = new URL('./fixtures/go-vectors/', import.meta.url)

/**
 * Errors that have another text here: bad arguments name the argument and the
 * value, and what is refused by subnet is a limit that was exceeded
 */
const OTHER_TEXT = /negative memory|connections per ip limit exceeded|missing ip address|invalid CIDR/

function expected ({ result }: Vector): Record<string, unknown> {
  const answer: Record<string, any> = { ...result }

  // what go-libp2p logged, and its reference counts
  delete answer.warn

  if (answer.ok === false && OTHER_TEXT.test(answer.error)) {
    delete answer.error
    delete answer.limitExceeded
    delete answer.closed
  }

  return answer
}

describe('go-libp2p conformance', () => {
  for (const file of readdirSync(fileURLToPath(directory))) {
    it(`should answer ${file} as go-libp2p does`, () => {
      const runner = new ScriptRunner()
      const vectors: Vector[] = readFileSync(new URL(file, directory), 'utf8').trim().split('\n').map(line => JSON.parse(line))

      vectors.forEach((vector, index) => {
        // the internal state of go-libp2p
        if (vector.op.op === 'dump') {
          return
        }

        const actual = runner.run(vector.op)

        for (const [key, value] of Object.entries(expected(vector))) {
          expect(actual[key], `line ${index + 1}: ${key} of ${JSON.stringify(vector.op)} (${actual.error})`).to.deep.equal(value)
        }
      })
    })
  }
})
