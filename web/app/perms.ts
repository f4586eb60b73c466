/** Bits of MapColumns.perms. */
export const PERM_READ = 1;
export const PERM_WRITE = 2;
export const PERM_EXEC = 4;
export const PERM_SHARED = 8;

/** Protections as maps prints them: rwxp. */
export function permsText(bits: number): string {
  const letter = (bit: number, name: string): string => ((bits & bit) === 0 ? '-' : name);
  const kind = (bits & PERM_SHARED) === 0 ? 'p' : 's';
  return letter(PERM_READ, 'r') + letter(PERM_WRITE, 'w') + letter(PERM_EXEC, 'x') + kind;
}

/** What a protection is drawn as: the name of its colour and of its pattern. */
export type PermLook = 'none' | 'r' | 'rw' | 'rx' | 'rwx' | 'other';

/** The looks in the order of the legend, with what they mean. */
export const PERM_LOOKS: readonly (readonly [PermLook, string])[] = [
  ['r', 'r-- read only'],
  ['rw', 'rw- read, write'],
  ['rx', 'r-x read, execute'],
  ['rwx', 'rwx all'],
  ['none', '--- none'],
];

/** The look of protection bits. */
export function lookOf(bits: number): PermLook {
  const looks: readonly PermLook[] = ['none', 'r', 'other', 'rw', 'other', 'rx', 'other', 'rwx'];
  return looks[bits & 7] ?? 'other';
}
