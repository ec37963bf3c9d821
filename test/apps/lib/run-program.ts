import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { withDirectory } from './with-directory.ts'
import type { Mode } from './managers.ts'
import type { FromPart, PartReport } from './part.ts'
import type { ChildProcess } from 'node:child_process'

export interface Program {
  name: string
  /** Relative to the directory of all of them */
  file: string
  /** One process for each */
  roles: string[]
  /** Whether it leaves room for a second one on two cores */
  light?: boolean
}

export interface ProgramReport {
  parts: Record<string, PartReport>
  /** Where it did not come to its end */
  failure?: string
}

/**
 * How much of the output of a process that has failed is shown, in characters
 */
const SHOWN = 4_000

/**
 * Runs a program, each part of it in a process of its own. Where one fails, all are ended.
 *
 * @param program
 * @param mode
 * @param patience - A program that has not come to its end by then is ended, in s
 */
export async function runProgram (program: Program, mode: Mode, patience: number): Promise<ProgramReport> {
  // a process that is ended leaves its files behind
  return withDirectory(async directory => runParts(program, mode, patience, { ...process.env, TMPDIR: directory }))
}

async function runParts (program: Program, mode: Mode, patience: number, env: NodeJS.ProcessEnv): Promise<ProgramReport> {
  const { file, roles } = program
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const children = new Map<string, ChildProcess>()
  const outputs = new Map<string, string>()
  const report: ProgramReport = { parts: {} }

  const fail = (why: string): void => {
    const unfinished = roles.filter(role => report.parts[role] == null)

    report.failure ??= [why, ...unfinished.map(role => `${role} has said\n${outputs.get(role) ?? ''}`)].join('\n')
    children.forEach(child => { child.kill('SIGKILL') })
  }

  const ended = roles.map(async role => new Promise<void>(resolve => {
    const others = roles.filter(other => other !== role)
    const child = fork(path, [mode, role, ...others], { env, serialization: 'advanced', silent: true })
    const collect = (chunk: Buffer): void => { outputs.set(role, `${outputs.get(role) ?? ''}${chunk}`.slice(-SHOWN)) }

    children.set(role, child)
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.on('message', ({ said, report: ofPart }: FromPart) => {
      if (ofPart != null) {
        report.parts[role] = ofPart
      }

      if (said != null) {
        others.forEach(other => children.get(other)?.send(said, () => {}))
      }
    })
    child.on('close', (code, signal) => {
      if (report.parts[role] == null) {
        fail(`${role} has ended with ${code ?? signal}`)
      }

      resolve()
    })
  }))

  const timer = setTimeout(() => { fail(`took more than ${patience} s`) }, patience * 1000)

  await Promise.all(ended)
  clearTimeout(timer)

  return report
}
