import { printable } from './printable.ts'

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }

/**
 * Text as it can be put into HTML and into its attributes, whoever has chosen it
 */
export function escapeHTML (text: string): string {
  return printable(text).replace(/[&<>"']/g, char => ENTITIES[char])
}
