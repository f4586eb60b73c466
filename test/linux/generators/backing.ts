import {
  AT_FDCWD,
  F_ADD_SEALS,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  MFD_ALLOW_SEALING,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
} from '../abi.js';
import type { Scenario } from '../scenario.js';
import { PAGE } from '../step.js';

/** A file that can be mapped. */
export interface Backing {
  /** The name its descriptor is bound to. */
  readonly fd: string;
  /** Bytes, as created. */
  readonly size: number;
}

const SEALS = [F_SEAL_FUTURE_WRITE, F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW, 31];

/** A size in bytes: none, whole pages, a partial last page. */
function fileSize(s: Scenario): number {
  const small = [0, 1, 100, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 300];
  const large = [4 * PAGE, 5 * PAGE + 1, 6 * PAGE + 4000, 8 * PAGE];
  return s.rng.pick(s.rng.chance(0.4) ? small : large);
}

function fill(s: Scenario, task: string, fd: string, size: number): void {
  s.call(task, 'ftruncate', [{ ref: fd }, size]);
  for (let at = s.rng.int(200); at < size; at += s.rng.between(500, 3000)) {
    const bytes = s.rng.hexBytes(Math.min(8, size - at));
    s.call(task, 'pwrite64', [{ ref: fd }, { in: bytes }, bytes.length / 2, at]);
  }
}

/** A memfd with some content. */
export function makeMemfd(s: Scenario, task: string): Backing {
  const fd = s.fresh('memfd');
  s.bind(fd, task, 'memfd_create', [{ str: fd }, s.rng.pick([0, MFD_ALLOW_SEALING])]);
  const size = fileSize(s);
  fill(s, task, fd, size);
  return { fd, size };
}

/** A memfd that is sealed after it got its content. */
export function makeSealedMemfd(s: Scenario, task: string): Backing {
  const fd = s.fresh('sealed');
  s.bind(fd, task, 'memfd_create', [{ str: fd }, MFD_ALLOW_SEALING]);
  const size = fileSize(s);
  fill(s, task, fd, size);
  s.call(task, 'fcntl', [{ ref: fd }, F_ADD_SEALS, s.rng.pick(SEALS)]);
  return { fd, size };
}

/** A file in /tmp, and descriptors of it that read and write, or read only. */
export function makeFile(s: Scenario, task: string): Backing[] {
  const path = { str: `/tmp/${s.fresh('file')}` };
  const writable = s.fresh('fd');
  s.bind(writable, task, 'openat', [AT_FDCWD, path, O_CREAT | O_RDWR, 0o644]);
  const size = fileSize(s);
  fill(s, task, writable, size);
  const readable = s.fresh('fd');
  s.bind(readable, task, 'openat', [AT_FDCWD, path, O_RDONLY]);
  return [
    { fd: writable, size },
    { fd: readable, size },
  ];
}

/** Another size for a file that may be mapped. */
export function resize(s: Scenario, task: string, file: Backing): void {
  s.call(task, 'ftruncate', [{ ref: file.fd }, fileSize(s)]);
}
