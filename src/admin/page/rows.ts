/**
 * What is seen of one item
 */
export interface Row<T> {
  element: HTMLElement
  update(item: T): void
}

export interface RowsInit<T> {
  list: HTMLElement
  key(item: T): string

  /** What a search reads */
  text(item: T): string
  create(): Row<T>

  /** What is said where there is nothing */
  empty: string
}

export function element<K extends keyof HTMLElementTagNameMap> (tag: K, className = '', text = ''): HTMLElementTagNameMap[K] {
  const created = document.createElement(tag)

  created.className = className
  created.textContent = text

  return created
}

/**
 * Text that stays as it is has nothing to draw
 */
export function setText (element: HTMLElement, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text
  }
}

/**
 * A list whose rows stay the same elements while their items come, go and change places: a
 * button under the pointer must still be there after a second
 */
export class Rows<T> {
  readonly #init: RowsInit<T>
  readonly #rows = new Map<string, Row<T>>()
  readonly #empty: HTMLElement
  #items: readonly T[] = []
  #search = ''

  constructor (init: RowsInit<T>) {
    this.#init = init
    this.#empty = element('li', 'empty', init.empty)
    this.#render()
  }

  show (items: readonly T[]): void {
    this.#items = items
    this.#render()
  }

  search (text: string): void {
    this.#search = text.toLowerCase()
    this.#render()
  }

  #render (): void {
    const { create, empty, key, list, text } = this.#init
    const seen = new Set<string>()
    const wanted: HTMLElement[] = []

    for (const item of this.#items) {
      const id = key(item)

      if (seen.has(id) || !text(item).toLowerCase().includes(this.#search)) {
        continue
      }

      let row = this.#rows.get(id)

      if (row == null) {
        row = create()
        this.#rows.set(id, row)
      }

      seen.add(id)
      row.update(item)
      wanted.push(row.element)
    }

    for (const id of this.#rows.keys()) {
      if (!seen.has(id)) {
        this.#rows.delete(id)
      }
    }

    if (wanted.length === 0) {
      setText(this.#empty, this.#search !== '' && this.#items.length > 0 ? 'Nothing that matches the search.' : empty)
      wanted.push(this.#empty)
    }

    arrange(list, wanted)
  }
}

/**
 * Puts the elements into the list, in their order. The focus stays where it is.
 */
function arrange (list: HTMLElement, wanted: readonly HTMLElement[]): void {
  const focused = list.contains(document.activeElement) ? document.activeElement as HTMLElement : undefined
  const keep = new Set(wanted)

  Array.from(list.children).forEach(child => { keep.has(child as HTMLElement) || child.remove() })

  wanted.forEach((element, i) => {
    if (list.children[i] !== element) {
      list.insertBefore(element, list.children[i] ?? null)
    }
  })

  if (focused != null && document.activeElement !== focused) {
    (list.contains(focused) ? focused : list).focus({ preventScroll: true })
  }
}
