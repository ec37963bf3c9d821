/**
 * Calls and answers between the nodes of a model and their engine, which can come late, in another
 * order, twice or not at all
 */
export class LateMessages<Call, Answer> {
  readonly calls: Call[] = []
  readonly #answers: Answer[] = []
  readonly #call: (call: Call) => Answer | undefined
  readonly #answer: (answer: Answer) => void

  /**
   * @param call - the engine gets a call
   * @param answer - a node gets an answer
   */
  constructor (call: (call: Call) => Answer | undefined, answer: (answer: Answer) => void) {
    this.#call = call
    this.#answer = answer
  }

  /**
   * The last call comes at once, and so does its answer
   */
  round (): void {
    this.#deliver(this.calls.pop())
    this.#deliverAnswer(this.#answers.pop())
  }

  /**
   * @returns Whether this was a step of messages
   */
  step (operation: string, pick: number): boolean {
    switch (operation) {
      case 'call':
        this.#deliver(take(this.calls, pick))
        return true
      case 'call twice':
        this.#deliver(this.calls[pick % Math.max(1, this.calls.length)])
        return true
      case 'lose call':
        take(this.calls, pick)
        return true
      case 'answer':
        this.#deliverAnswer(take(this.#answers, pick))
        return true
      case 'answer twice':
        this.#deliverAnswer(this.#answers[pick % Math.max(1, this.#answers.length)])
        return true
      case 'lose answer':
        take(this.#answers, pick)
        return true
      default:
        return false
    }
  }

  #deliver (call: Call | undefined): void {
    const answer = call === undefined ? undefined : this.#call(call)

    answer !== undefined && this.#answers.push(answer)
  }

  #deliverAnswer (answer: Answer | undefined): void {
    answer !== undefined && this.#answer(answer)
  }
}

function take <T> (list: T[], pick: number): T | undefined {
  return list.splice(pick % Math.max(1, list.length), 1)[0]
}
