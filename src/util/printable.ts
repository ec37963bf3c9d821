/**
 * Control characters, line separators, and what changes the direction of text
 */
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * A name that a remote may have chosen, as it can be written to a terminal or a log: what
 * would move the cursor, begin a line or turn the text around is escaped
 */
export function printable (text: string): string {
  return text.replace(UNPRINTABLE, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }

/**
 * Text as it can be put into HTML and into its attributes, whoever has chosen it
 */
export function escapeHTML (text: string): string {
  return printable(text).replace(/[&<>"']/g, char => ENTITIES[char])
}
