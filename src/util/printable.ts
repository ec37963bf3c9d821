/**
 * Control characters, line separators, and characters that change the direction of text
 */
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * A name that a remote may have chosen, made safe for a terminal or a log: characters that
 * would move the cursor, begin a line or turn the text around are escaped
 */
export function printable (text: string): string {
  return text.replace(UNPRINTABLE, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }

/**
 * Text made safe for HTML and its attributes, whoever has chosen it
 */
export function escapeHTML (text: string): string {
  return printable(text).replace(/[&<>"']/g, char => ENTITIES[char])
}
