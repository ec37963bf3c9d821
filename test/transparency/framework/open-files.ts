/**
 * Asks a node to open files, and is told how many connections it has and what became of the files
 */
export const OPEN_FILES = '/open-files/1.0.0'
