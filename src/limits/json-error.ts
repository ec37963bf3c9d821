/**
 * Where a text stops being JSON
 */
export interface JSONError {
  /** From 1 */
  line: number

  /** From 1, in UTF-16 code units */
  column: number

  /** What was expected there */
  expected: string

  /** What was found, empty at the end of the text */
  got: string
}

const WHITESPACE = /[ \t\r\n]*/y
// eslint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/**
 * What may come next
 */
type State = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'end of value'

const EXPECTED: Record<State, string> = {
  value: 'a value',
  'value or ]': 'a value or "]"',
  key: 'a key in double quotes',
  'key or }': 'a key in double quotes or "}"',
  colon: '":"',
  'end of value': 'the end'
}

/**
 * Walks through a text as far as it is JSON. It keeps a list of open brackets
 * instead of calling itself, so that deep nesting cannot exhaust the stack.
 */
class Walk {
  readonly text: string
  readonly #open: Array<'}' | ']'> = []
  position = 0
  state: State = 'value'

  constructor (text: string) {
    this.text = text
    this.#take(WHITESPACE)
  }

  get expected (): string {
    const close = this.#open.at(-1)

    return this.state === 'end of value' && close != null ? `"," or "${close}"` : EXPECTED[this.state]
  }

  get done (): boolean {
    return this.state === 'end of value' && this.#open.length === 0 && this.position === this.text.length
  }

  /**
   * Reads one token. Returns false if it may not come here.
   */
  step (): boolean {
    const taken = this.state.startsWith('value') ? this.#value() : this.#punctuation()

    this.#take(WHITESPACE)

    return taken
  }

  #value (): boolean {
    const char = this.text[this.position]

    if (char === '{' || char === '[') {
      this.#open.push(char === '{' ? '}' : ']')
      this.state = char === '{' ? 'key or }' : 'value or ]'
      this.position++
      return true
    }

    if (char === ']' && this.state === 'value or ]') {
      return this.#close()
    }

    this.state = this.#take(STRING) || this.#take(SCALAR) ? 'end of value' : this.state

    return this.state === 'end of value'
  }

  #punctuation (): boolean {
    const char = this.text[this.position]

    if (char === '}' && this.state === 'key or }') {
      return this.#close()
    }

    if (this.state === 'key' || this.state === 'key or }') {
      const taken = this.#take(STRING)

      this.state = taken ? 'colon' : this.state
      return taken
    }

    if (this.state === 'colon') {
      if (char !== ':') {
        return false
      }

      this.state = 'value'
      this.position++
      return true
    }

    const close = this.#open.at(-1)

    if (close == null || (char !== ',' && char !== close)) {
      return false
    }

    if (char === close) {
      return this.#close()
    }

    this.state = close === '}' ? 'key' : 'value'
    this.position++
    return true
  }

  #close (): true {
    this.#open.pop()
    this.state = 'end of value'
    this.position++
    return true
  }

  #take (token: RegExp): boolean {
    token.lastIndex = this.position

    if (!token.test(this.text)) {
      return false
    }

    this.position = token.lastIndex
    return true
  }
}

/**
 * Finds the first place where a text stops being JSON. `JSON.parse` says where in
 * some engines, for some mistakes, and in words that differ between engines.
 *
 * @returns undefined if the text is JSON
 */
export function findJSONError (text: string): JSONError | undefined {
  const walk = new Walk(text)

  while (!walk.done) {
    if (walk.step()) {
      continue
    }

    const before = text.slice(0, walk.position).split('\n')

    return {
      line: before.length,
      column: before[before.length - 1].length + 1,
      expected: walk.expected,
      // a word, as `undefined` or `'text'`, or a single character
      got: /^[\w']+|^[^]?/.exec(text.slice(walk.position))?.[0] ?? ''
    }
  }
}
