import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'aegir/chai'
import { ScriptRunner } from './fixtures/go-vector-script.ts'
import type { Vector } from './fixtures/go-vector-script.ts'

const directory = new URL('./fixtures/go-vectors/', import.meta.url)

/**
 * Errors that have another text here: bad arguments name the argument and the
 * value, and what is refused by subnet is a limit that was exceeded
 */
const OTHER_TEXT = /negative memory|connections per ip limit exceeded|missing ip address|invalid CIDR/

/**
 * Where a script comes to something that we knowingly do otherwise, and its rest
 * cannot be compared: the line, and why
 */
const DIFFERENCES: Record<string, { line: number, reason: string }> = {
  'd-allowlist-ip-limits.jsonl': {
    line: 48,
    reason: 'a network that is allowlisted at run time may have as many connections as one given at construction'
  },
  'd-default-ip-limits.jsonl': {
    line: 117,
    reason: 'IPv4-mapped IPv6 addresses are the IPv4 address, here an unlimited loopback one'
  },
  'd-prefix-length-too-long.jsonl': {
    line: 1,
    reason: 'an impossible prefix length is refused'
  },
  'd-transfer-ok-peer-blocks.jsonl': {
    line: 7,
    reason: 'a connection that its peer has no room for does not leave the allowlist either'
  }
}

/**
 * Lines that are knowingly answered otherwise, and that the rest does not depend on unless
 * they are run: they are left out
 */
const LEFT_OUT: Record<string, { line: number, reason: string }> = {
  'd-allowlist-add-remove.jsonl': {
    line: 3,
    reason: 'peers can be allowlisted wherever they are'
  }
}

function expected ({ result }: Vector): Record<string, unknown> {
  const answer: Record<string, any> = { ...result }

  // what go-libp2p logged, and its reference counts
  delete answer.warn

  // more than a number can hold exactly is unlimited here
  if (Number(answer.limit?.Memory) > Number.MAX_SAFE_INTEGER) {
    answer.limit = { ...answer.limit, Memory: 'unlimited' }
  }

  if (answer.ok === false && OTHER_TEXT.test(answer.error)) {
    delete answer.error
    delete answer.limitExceeded
    delete answer.closed
  }

  return answer
}

function differences (vector: Vector, actual: Record<string, unknown>): string[] {
  return Object.entries(expected(vector))
    .filter(([key, value]) => !isDeepStrictEqual(actual[key], value))
    .map(([key, value]) => `${key}: go-libp2p ${JSON.stringify(value)}, here ${JSON.stringify(actual[key])}`)
}

describe('go-libp2p conformance', () => {
  for (const file of readdirSync(fileURLToPath(directory))) {
    const { line: lastLine, reason } = DIFFERENCES[file] ?? { line: Infinity, reason: '' }
    const leftOut = LEFT_OUT[file]

    it(`should answer ${file} as go-libp2p does${reason === '' ? '' : `, until ${reason}`}${leftOut == null ? '' : `, other than that ${leftOut.reason}`}`, () => {
      const runner = new ScriptRunner()
      const vectors: Vector[] = readFileSync(new URL(file, directory), 'utf8').trim().split('\n').map(line => JSON.parse(line))

      for (const [index, vector] of vectors.entries()) {
        const line = index + 1

        // the internal state of go-libp2p
        if (vector.op.op === 'dump' || line === LEFT_OUT[file]?.line) {
          continue
        }

        const found = differences(vector, runner.run(vector.op))

        if (line === lastLine) {
          expect(found, `line ${line} does not differ any more`).to.not.be.empty()
          return
        }

        expect(found, `line ${line}: ${JSON.stringify(vector.op)}`).to.be.empty()
      }
    })
  }
})
