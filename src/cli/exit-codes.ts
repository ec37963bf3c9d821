/**
 * The exit codes of the command. `docs/command.md` lists them for users.
 */
export const EXIT = {
  /** Everything is as it should be */
  FINE: 0,

  /** What was checked has problems, or what was compared differs */
  NOT_FINE: 1,

  /** The command was used in a wrong way, or what it was given cannot be read */
  UNUSABLE: 2,

  /** A node did not answer, or answered with an error */
  UNREACHABLE: 3,

  /** A mistake of this package: `EX_SOFTWARE` of sysexits.h */
  INTERNAL: 70
} as const

export type ExitCode = typeof EXIT[keyof typeof EXIT]

/**
 * Ends a command with a message for people and no stack trace. `InvalidParametersError` does
 * the same with `UNUSABLE`.
 */
export class CommandError extends Error {
  static name = 'CommandError'
  name = 'CommandError'
  readonly exitCode: ExitCode

  constructor (message: string, exitCode: ExitCode = EXIT.UNUSABLE) {
    super(message)
    this.exitCode = exitCode
  }
}
