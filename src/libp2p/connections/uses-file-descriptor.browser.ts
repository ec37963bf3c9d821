/**
 * Nothing that a page can see has a file descriptor
 */
export function usesFileDescriptor (): boolean {
  return false
}
