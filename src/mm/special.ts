/**
 * Names of mappings that belong to no file but have one in /proc/PID/maps, by the id that the core keeps
 * in the VMA; id 0 is none.
 */
export const SPECIAL_NAMES: readonly (string | null)[] = [
  null,
  '[vdso]',
  '[vvar]',
  '[vvar_vclock]',
];
