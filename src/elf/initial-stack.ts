/** Where execve() put the arguments and the environment of a process. */
export interface InitialStack {
  /** Address of argc: the stack pointer at the first instruction. */
  readonly startStack: number;
  /** First and last byte, exclusive, of the argument strings. */
  readonly argStart: number;
  readonly argEnd: number;
  /** The same of the environment strings. */
  readonly envStart: number;
  readonly envEnd: number;
}

/** Bytes looked through from the top of the stack: arguments and environment end there. */
const MAX_SEARCH = 8 * 1024 * 1024;
/** Arguments and variables counted at most on the way down to argc. */
const MAX_STRINGS = 1 << 20;

/**
 * Finds the arguments and the environment on a stack, by the auxiliary vector above their pointers.
 *
 *     argc | argv[0] … NULL | envp[0] … NULL | auxv | … | argument strings | variables | file name
 *
 * @param stack addresses of the stack's mapping
 * @param auxv the vector as the kernel saved it
 * @param read bytes of the stack; null where there are none
 * @returns null when the vector is not there or what is below it makes no sense
 * @see fs/binfmt_elf.c, create_elf_tables()
 */
export function findInitialStack(
  stack: { readonly start: number; readonly end: number },
  auxv: Uint8Array,
  read: (addr: number, length: number) => Uint8Array | null,
): InitialStack | null {
  if (auxv.length < 16) return null;
  const base = Math.max(stack.start, stack.end - MAX_SEARCH);
  const bytes = read(base, stack.end - base);
  if (bytes === null) return null;
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vector = findVector(bytes, auxv);
  if (vector < 0) return null;
  const envp = pointersBelow(words, vector);
  if (envp === null) return null;
  const argv = argumentsBelow(words, envp.at);
  if (argv === null) return null;
  const ends = (from: number): number => base + bytes.indexOf(0, from - base) + 1;
  const [argStart, lastArg, envStart, lastEnv] = [argv.first, argv.last, envp.first, envp.last];
  const argEnd = argv.count === 0 ? argStart : ends(lastArg);
  return {
    startStack: base + argv.at,
    argStart,
    argEnd,
    envStart: envp.count === 0 ? argEnd : envStart,
    envEnd: envp.count === 0 ? argEnd : ends(lastEnv),
  };
}

/** Pointers in a row: how many, the lowest slot, and the first and last value. */
interface Pointers {
  readonly count: number;
  readonly at: number;
  readonly first: number;
  readonly last: number;
}

function findVector(bytes: Uint8Array, auxv: Uint8Array): number {
  for (let at = (bytes.length - auxv.length) & ~7; at >= 8; at -= 8) {
    if (bytes[at] === auxv[0] && auxv.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

/** The pointers in front of a NULL that ends at `end`, back to the NULL before them. */
function pointersBelow(words: DataView, end: number): Pointers | null {
  let at = end - 8;
  if (at < 8 || words.getBigUint64(at, true) !== 0n) return null;
  const last = Number(words.getBigUint64(at - 8, true));
  for (let count = 0; count < MAX_STRINGS && at >= 8; count++, at -= 8) {
    const value = words.getBigUint64(at - 8, true);
    if (value === 0n) return { count, at, first: Number(words.getBigUint64(at, true)), last };
  }
  return null;
}

/** As {@link pointersBelow}, but what stands before the first argument is their number. */
function argumentsBelow(words: DataView, end: number): Pointers | null {
  let at = end - 8;
  if (at < 8 || words.getBigUint64(at, true) !== 0n) return null;
  const last = Number(words.getBigUint64(at - 8, true));
  for (let count = 0; count < MAX_STRINGS && at >= 8; count++, at -= 8) {
    if (words.getBigUint64(at - 8, true) === BigInt(count)) {
      return { count, at: at - 8, first: Number(words.getBigUint64(at, true)), last };
    }
  }
  return null;
}
