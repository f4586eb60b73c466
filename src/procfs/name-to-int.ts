/**
 * The number a name is, canonical decimal only (K-002); null for anything else.
 * @see fs/proc/util.c name_to_int()
 */
export function nameToInt(name: string): number | null {
  if (!/^(0|[1-9][0-9]*)$/.test(name)) return null;
  const value = Number(name);
  return value < 0xffffffff ? value : null;
}
