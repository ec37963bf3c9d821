/**
 * One line of a list
 */
export interface TopRow {
  name: string

  /** The scope that it is about, which can be looked into */
  scope?: string
  what: string
  figure: string

  /** From 0 to 1, `null` where nothing may be there */
  share: number | null
  refusals: number
}
