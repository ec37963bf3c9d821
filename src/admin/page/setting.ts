import { element, setText } from './rows.ts'

/**
 * How long it is said that something was copied, in ms
 */
const SAID = 1_500

async function copy (text: string): Promise<void> {
  // pages that are not from loopback have a clipboard over TLS only
  if (navigator.clipboard != null) {
    await navigator.clipboard.writeText(text)
    return
  }

  const area = element('textarea', 'hidden')

  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

/**
 * The setting to change, and a button that copies it
 */
export class Setting {
  readonly element = element('span', 'setting')
  readonly #code = element('code', 'mono')
  readonly #button = element('button', 'copy', 'Copy')

  constructor () {
    this.#button.type = 'button'
    this.#button.addEventListener('click', () => { void this.#copy() })
    this.element.append(this.#code, this.#button)
  }

  show (setting?: string): void {
    this.element.hidden = setting == null
    setText(this.#code, setting ?? '')
    this.#button.setAttribute('aria-label', `Copy ${setting}`)
  }

  async #copy (): Promise<void> {
    let said = 'Copied'

    try {
      await copy(this.#code.textContent ?? '')
    } catch {
      said = 'Not allowed'
    }

    this.#button.textContent = said
    setTimeout(() => { this.#button.textContent = 'Copy' }, SAID)
  }
}
