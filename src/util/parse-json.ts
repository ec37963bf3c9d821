/**
 * Reads a record that was kept, which somebody may have changed: JSON in UTF-8
 *
 * @throws {Error} If it is anything else
 */
export function parseJSON (bytes: Uint8Array): any {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // the reason would quote the record
    throw new Error('expected JSON')
  }
}
