import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE } from '../step.js';
import { CONTENT, FILE_PAGE, PLACES_FD, SINK } from './places.js';
import {
  ENTRIES,
  LINKS,
  OPEN_FLAGS,
  RARE_ENTRIES,
  type ProcEntry,
  type Use,
} from './proc-entries.js';

/** Bytes of the sink that a read may fill. */
const SINK_SIZE = 2 * PAGE;
/** Where in struct stat mode, uid and gid lie. */
const STAT_MODE = 24;

type Attempt = (s: Scenario, actor: string, target: string) => void;

const ATTEMPTS: readonly (readonly [number, Attempt])[] = [
  [10, openEntry],
  [4, openMem],
  [3, readLink],
  [3, statEntry],
  [2, askAccess],
  [4, copyRemotely],
  [1, compareKernelObjects],
  [2, usePidfd],
  [1, seize],
  [2, signalNothing],
  [2, askLimits],
];

/** One random attempt of `actor` to get at `target`, which may be itself. */
export function attemptAccess(s: Scenario, actor: string, target: string): void {
  s.rng.weighted(ATTEMPTS)(s, actor, target);
}

/** A path of `target`'s directory: by pid, by thread, or as oneself. */
function directoryOf(s: Scenario, actor: string, target: string): string {
  const byPid = [`/proc/\${${target}.pid}`, `/proc/\${${target}.pid}/task/\${${target}.tid}`];
  if (actor === target) byPid.push('/proc/self', '/proc/thread-self');
  return s.rng.chance(0.6) ? byPid[0]! : s.rng.pick(byPid);
}

function pathOf(s: Scenario, actor: string, target: string, name: string): { str: string } {
  return { str: `${directoryOf(s, actor, target)}/${name}` };
}

function pickEntry(s: Scenario): ProcEntry {
  return s.rng.pick(s.rng.chance(0.06) ? RARE_ENTRIES : ENTRIES);
}

function openEntry(s: Scenario, actor: string, target: string): void {
  const entry = pickEntry(s);
  const use = s.rng.pick(entry.uses);
  const natural = use === 'write' ? abi.O_WRONLY : use === 'mem' ? abi.O_RDWR : abi.O_RDONLY;
  const flags = s.rng.chance(0.75) ? natural : s.rng.pick(OPEN_FLAGS);
  const fd = s.fresh('fd');
  const path = pathOf(s, actor, target, entry.name);
  if (!s.bind(fd, actor, 'openat', [abi.AT_FDCWD, path, flags, 0o600]).ok) return;
  useEntry(s, actor, fd, use, entry.texts ?? []);
  s.call(actor, 'close', [{ ref: fd }]);
}

function openMem(s: Scenario, actor: string, target: string): void {
  const fd = s.fresh('mem');
  const flags = s.rng.pick([abi.O_RDONLY, abi.O_WRONLY, abi.O_RDWR]);
  if (!s.bind(fd, actor, 'open', [pathOf(s, actor, target, 'mem'), flags]).ok) return;
  useEntry(s, actor, fd, 'mem', []);
  s.call(actor, 'close', [{ ref: fd }]);
}

function useEntry(
  s: Scenario,
  actor: string,
  fd: string,
  use: Use,
  texts: readonly string[],
): void {
  const file = { ref: fd };
  const text = texts.length > 0 ? s.rng.pick(texts) : '';
  const uses: Record<Use, () => void> = {
    read: () => s.bind(s.fresh('n'), actor, 'read', [file, hex(SINK), SINK_SIZE]),
    compare: () => s.call(actor, 'read', [file, { out: 80 }, 80]),
    write: () =>
      s.call(actor, 'write', [file, { in: Buffer.from(text).toString('hex') }, text.length]),
    list: () => s.bind(s.fresh('n'), actor, 'getdents64', [file, hex(SINK), SINK_SIZE]),
    pagemap: () => {
      const count = s.rng.pick([8, 8, 16, 7, 0]);
      const offset = (CONTENT / PAGE) * 8 + s.rng.pick([0, 0, 8, 1]);
      s.call(actor, 'pread64', [file, hex(SINK), count, offset]);
    },
    mem: () => {
      s.call(actor, 'pread64', [file, { out: 8 }, 8, hex(CONTENT)]);
      if (s.rng.chance(0.5))
        s.call(actor, 'pwrite64', [file, { in: s.rng.hexBytes(2) }, 2, hex(CONTENT + 2)]);
    },
  };
  uses[use]();
}

function readLink(s: Scenario, actor: string, target: string): void {
  const mapFile = `map_files/${FILE_PAGE.toString(16)}-${(FILE_PAGE + PAGE).toString(16)}`;
  const name = s.rng.pick([...LINKS, mapFile, `fd/\${${PLACES_FD}}`]);
  const path = pathOf(s, actor, target, name);
  if (s.rng.chance(0.7)) {
    s.bind(s.fresh('n'), actor, 'readlinkat', [abi.AT_FDCWD, path, hex(SINK), SINK_SIZE]);
    return;
  }
  const fd = s.fresh('fd');
  const flags = s.rng.pick([abi.O_RDONLY, abi.O_PATH]);
  if (s.bind(fd, actor, 'openat', [abi.AT_FDCWD, path, flags]).ok)
    s.call(actor, 'close', [{ ref: fd }]);
}

/** Mode and owner: the rest of struct stat differs between runs. */
function statEntry(s: Scenario, actor: string, target: string): void {
  const path = pathOf(s, actor, target, pickEntry(s).name);
  const flags = s.rng.pick([0, 0, abi.AT_SYMLINK_NOFOLLOW]);
  if (!s.call(actor, 'newfstatat', [abi.AT_FDCWD, path, hex(SINK), flags]).ok) return;
  s.peek(actor, SINK + STAT_MODE, 12);
}

function askAccess(s: Scenario, actor: string, target: string): void {
  const path = pathOf(s, actor, target, pickEntry(s).name);
  const mode = s.rng.int(8);
  if (s.rng.chance(0.6)) s.call(actor, 'access', [path, mode]);
  else s.call(actor, 'faccessat2', [abi.AT_FDCWD, path, mode, s.rng.pick([0, 0x200, 0x200])]);
}

function copyRemotely(s: Scenario, actor: string, target: string): void {
  const pid = { ref: `${target}.${s.rng.pick(['pid', 'pid', 'tid'])}` };
  const remote = { iov: [[hex(CONTENT), 8]] as const };
  if (s.rng.chance(0.6))
    s.call(actor, 'process_vm_readv', [pid, { iov: [[{ out: 8 }, 8]] }, 1, remote, 1, 0]);
  else {
    const local = { iov: [[{ in: s.rng.hexBytes(8) }, 8]] as const };
    s.call(actor, 'process_vm_writev', [pid, local, 1, remote, 1, 0]);
  }
}

/** Two different objects compare as less or greater, as their addresses happen to lie: bound, not compared. */
function compareKernelObjects(s: Scenario, actor: string, target: string): void {
  const type = s.rng.pick([1, 2, 3, 4, 6, 8, 9, -1]);
  const pids = [{ ref: `${actor}.pid` }, { ref: `${target}.pid` }] as const;
  const args = s.rng.chance(0.5) ? pids : [pids[1], pids[0]];
  s.bind(s.fresh('kcmp'), actor, 'kcmp', [...args, type, 0, 0]);
}

function usePidfd(s: Scenario, actor: string, target: string): void {
  const fd = s.fresh('pidfd');
  const flags = s.rng.chance(0.1) ? s.rng.pick([1, 0x800]) : 0;
  if (!s.bind(fd, actor, 'pidfd_open', [{ ref: `${target}.pid` }, flags]).ok) return;
  const copy = s.fresh('fd');
  const got = s.bind(copy, actor, 'pidfd_getfd', [
    { ref: fd },
    s.rng.chance(0.8) ? { ref: PLACES_FD } : 999,
    s.rng.chance(0.1) ? 1 : 0,
  ]);
  if (got.ok) s.call(actor, 'close', [{ ref: copy }]);
  s.call(actor, 'pidfd_send_signal', [{ ref: fd }, 0, 0, 0]);
  s.call(actor, 'close', [{ ref: fd }]);
}

/** Only SEIZE: it does not stop the other, who must go on answering. */
function seize(s: Scenario, actor: string, target: string): void {
  const pid = { ref: `${target}.pid` };
  const [addr, options] = s.rng.pick([
    [0, 0],
    [0, 0],
    [1, 0],
    [0, 0x40000000],
  ] as const);
  s.call(actor, 'ptrace', [abi.PTRACE_SEIZE, pid, addr, options]);
  if (s.rng.chance(0.3))
    s.call(actor, 'ptrace', [
      s.rng.pick([abi.PTRACE_PEEKDATA, abi.PTRACE_DETACH, 999]),
      pid,
      hex(CONTENT),
      0,
    ]);
}

function signalNothing(s: Scenario, actor: string, target: string): void {
  const [pid, tid] = [{ ref: `${target}.pid` }, { ref: `${target}.tid` }];
  const signal = s.rng.chance(0.1) ? s.rng.pick([65, -1]) : 0;
  if (s.rng.chance(0.6)) s.call(actor, 'kill', [pid, signal]);
  else s.call(actor, 'tgkill', [pid, tid, signal]);
}

/** prlimit64 of RLIMIT_MEMLOCK (8) and RLIMIT_NOFILE (7), asked or lowered. */
function askLimits(s: Scenario, actor: string, target: string): void {
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(BigInt(s.rng.pick([1 << 20, 8 << 20])), 0);
  limit.writeBigUInt64LE(BigInt(s.rng.pick([1 << 20, 8 << 20, 16 << 20])), 8);
  const lowers = s.rng.chance(0.2);
  const set = lowers ? { in: limit.toString('hex') } : 0;
  s.call(actor, 'prlimit64', [
    { ref: `${target}.pid` },
    lowers ? 8 : s.rng.pick([7, 8, 16, -1]),
    set,
    { out: 16 },
  ]);
}
