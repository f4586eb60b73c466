/**
 * Open files as the kernel proper sees them; the descriptor table implements it. Whoever shares one
 * counts in `users`.
 */
export interface TaskFiles {
  /** Tasks that share it (CLONE_FILES); changed by the kernel only. */
  users: number;
  /** Copies the table for fork; the copy has one user. */
  dup(): TaskFiles;
  /** Closes the descriptors marked close-on-exec. */
  closeOnExec(): void;
  /** Closes everything; called once, when the last user is gone. */
  release(): void;
}

/** Root, working directory and umask as the kernel proper sees them. */
export interface TaskFs {
  /** Tasks that share it (CLONE_FS); changed by the kernel only. */
  users: number;
  /** Whether the root is not the root of the mount tree (current_chrooted(), K-412). */
  readonly chrooted: boolean;
  /** Copies it for fork; the copy has one user. */
  dup(): TaskFs;
  /** Drops what it refers to; called once, when the last user is gone. */
  release(): void;
}
