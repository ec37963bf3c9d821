import { isDeepStrictEqual } from 'node:util'
import type { PartReport } from './part.ts'
import type { ProgramReport } from './run-program.ts'

/**
 * What the resource manager has made different, and what is worth knowing besides
 */
export interface Findings {
  problems: string[]
  remarks: string[]
}

/**
 * What has not ended well, and how often
 */
type Endings = Record<string, number>

/**
 * Compares a program without a resource manager with the same one with it
 */
export function findProblems (without: ProgramReport, managed: ProgramReport): Findings {
  const findings: Findings = { problems: [], remarks: [] }

  if (without.failure != null) {
    findings.problems.push(`fails without a resource manager: ${without.failure}`)
  }

  if (managed.failure != null) {
    findings.problems.push(`fails: ${managed.failure}`)
  }

  if (findings.problems.length === 0) {
    for (const [role, report] of Object.entries(managed.parts)) {
      comparePart(role, without.parts[role], report, findings)
    }
  }

  return findings
}

function comparePart (role: string, without: PartReport, { outcome, resources }: PartReport, { problems, remarks }: Findings): void {
  const expected = without.outcome as Record<string, unknown>

  for (const [name, value] of Object.entries(expected)) {
    const got = (outcome as Record<string, unknown>)[name]

    if (name === 'endings') {
      compareEndings(role, value as Endings, got as Endings, problems)
    } else if (isFailure(value)) {
      remarks.push(`${name}: ${value} without a resource manager, ${got} with it`)
    } else if (!isDeepStrictEqual(got, value)) {
      problems.push(`${role}: ${name}: ${show(got)} instead of ${show(value)}`)
    }
  }

  if (resources.managers === 0) {
    problems.push(`${role}: no resource manager`)
  }

  for (const [what, count] of Object.entries(resources.refused)) {
    problems.push(`${role}: refused ${count} × ${what}`)
  }

  resources.held.forEach(held => { problems.push(`${role}: still holds ${held}`) })
}

/**
 * On a busy machine something may end by itself. What ends without a resource manager is
 * no problem.
 */
function compareEndings (role: string, without: Endings, managed: Endings, problems: string[]): void {
  for (const [what, count] of Object.entries(managed)) {
    if (count > (without[what] ?? 0)) {
      problems.push(`${role}: ${count} × ${what}, ${without[what] ?? 0} without`)
    }
  }
}

/**
 * Of a test of a suite
 */
function isFailure (value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('failed')
}

function show (value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
