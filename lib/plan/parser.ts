/**
 * Gives the values of fields in a line; or text, the reason why it cannot; or `undefined` for a line that
 * is no record, or only a part of one.
 */
export type Parser = (line: string) => readonly unknown[] | string | undefined
