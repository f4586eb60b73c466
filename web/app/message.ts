// What page and worker say to each other.

/** From the page: a call, or the wish to end one. */
export type Request =
  | { readonly id: number; readonly name: string; readonly args: unknown }
  | { readonly id: number; readonly cancel: true };

/** From the worker: steps of a call on its way, and how it ended. */
export type Response =
  | { readonly id: number; readonly progress: unknown }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: Failure };

/** An error on its way to the page, where classes of the worker mean nothing. */
export interface Failure {
  /** `LinuxError`, `ElfError`, `SnapshotError`, `PageFault`, `TypeError`… */
  readonly name: string;
  readonly message: string;
  /** Linux's name of the error or a SnapshotError's code; null for others. */
  readonly code: string | null;
  /** The file and the byte in it, of errors about files. */
  readonly file: string | null;
  readonly offset: number | null;
}

/** An error that the worker reported. */
export class RemoteError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = failure.name;
    this.failure = failure;
  }
}

/** The call was ended by whoever made it. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}
