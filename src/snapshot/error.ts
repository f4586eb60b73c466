/** What was wrong with a snapshot, or why there can be none. */
export type SnapshotErrorCode =
  /** The bytes are no snapshot. */
  | 'NOT_A_SNAPSHOT'
  /** Made by another version: of the format, of the core's layout, or of the library. */
  | 'VERSION'
  /** The bytes end too early. */
  | 'CUT_SHORT'
  /** Bytes were changed, or say what cannot be. */
  | 'CORRUPT'
  /** An object of the embedder is needed that was not given: a directory, a source, a security module. */
  | 'MISSING'
  /** State that cannot be kept. */
  | 'UNSUPPORTED';

/**
 * A snapshot that is refused, or that cannot be made. Nothing has changed then.
 *
 * @example
 * try {
 *   await Machine.restore(bytes);
 * } catch (error) {
 *   if (error instanceof SnapshotError && error.code === 'CUT_SHORT') fetchAgain();
 * }
 */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code: SnapshotErrorCode;
  /** The byte of the snapshot that it is about; null when it is about none. */
  readonly offset: number | null;

  constructor(code: SnapshotErrorCode, what: string, offset: number | null = null) {
    super(offset === null ? what : `offset 0x${offset.toString(16)}: ${what}`);
    this.code = code;
    this.offset = offset;
  }
}
