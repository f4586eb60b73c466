import {
  AT_FDCWD,
  F_GETFL,
  O_APPEND,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from '../abi.js';
import type { Scenario } from '../scenario.js';

const MODES = [
  O_RDWR,
  O_RDWR,
  O_RDWR,
  O_RDWR,
  O_RDONLY,
  O_RDONLY,
  O_WRONLY,
  O_WRONLY,
  3,
  O_PATH,
  O_RDWR | O_APPEND,
  O_RDWR | O_NONBLOCK,
];

/** Opens a mem file by some path; gives the name its descriptor is bound to. */
export function openMem(s: Scenario, task: string, path: string, flags: number): string {
  const fd = s.fresh('mem');
  s.bind(fd, task, 'openat', [AT_FDCWD, { str: path }, flags]);
  return fd;
}

/** Every path by which `task` names the memory of `of`. */
export function memPaths(task: string, of: string): string[] {
  const byPid = [`/proc/\${${of}.pid}/mem`, `/proc/\${${of}.pid}/task/\${${of}.tid}/mem`];
  return task === of ? [...byPid, '/proc/self/mem', '/proc/thread-self/mem'] : byPid;
}

/** Some descriptors of one memory, of several modes, two of them sharing a position. */
export function openMemFiles(s: Scenario, task: string, of: string, count: number): string[] {
  const paths = memPaths(task, of);
  const fds = [openMem(s, task, s.rng.pick(paths), O_RDWR)];
  for (let i = 1; i < count; i++) fds.push(openMem(s, task, s.rng.pick(paths), s.rng.pick(MODES)));
  const copy = s.fresh('dup');
  s.bind(copy, task, 'dup', [{ ref: fds[0]! }]);
  fds.push(copy, fds[0]!);
  for (const fd of fds) if (s.rng.chance(0.3)) s.call(task, 'fcntl', [{ ref: fd }, F_GETFL]);
  return fds;
}
