/**
 * What a child process does when it is asked, by the question
 */
export type Answers = Record<string, (value: any) => unknown>

export interface Question {
  id: number
  question: string
  value: unknown
}

export interface Answer {
  id: number
  answer?: unknown
  error?: string
}

/**
 * The options that the parent process has started this one with
 */
export function childOptions <T> (): T {
  return JSON.parse(process.argv[2]) as T
}

/**
 * Answers the questions of the parent process, and ends together with it
 */
export function serve (answers: Answers): void {
  const send = (answer: Answer): void => { process.send?.(answer) }

  process.on('disconnect', () => { process.exit() })

  // the parent process has ended while this one was starting
  if (!process.connected) {
    process.exit()
  }

  process.on('message', ({ id, question, value }: Question) => {
    Promise.resolve()
      .then(() => answers[question](value))
      .then(answer => { send({ id, answer }) }, err => { send({ id, error: String(err?.stack ?? err) }) })
  })

  // ready
  send({ id: 0 })
}
