import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** tools/riscv64-root.mjs writes it last. */
const MARK = '.procmem-root';

/** Where tools/riscv64-root.mjs puts Debian's riscv64 packages, if nobody names another place. */
function debianRootPath(): string {
  const { PROCMEM_RISCV64_ROOT: named = '', XDG_CACHE_HOME: cache = '' } = process.env;
  if (named !== '') return named;
  return join(cache === '' ? join(homedir(), '.cache') : cache, 'procmem', 'riscv64-root');
}

/** The directory of Debian's riscv64 packages; null where none has been made. */
export function debianRoot(): string | null {
  const path = debianRootPath();
  return existsSync(join(path, MARK)) ? path : null;
}
