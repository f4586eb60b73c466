import * as abi from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import type { Arg } from '../step.js';
import { capHeader, capsOf, capVersion, setCaps, someCaps } from './capabilities.js';

/** Ids worth having: root, two users, the overflow id, what is no id, and one that no map has. */
const IDS = [0, 0, 1000, 1000, 1000, 1001, 65534, 70000];
const KEEP = '0xffffffff';

function id(rng: Rng): Arg {
  return rng.chance(0.05) ? rng.pick([KEEP, -1, '0x100000000', '0x1000003e8']) : rng.pick(IDS);
}

function idOrKeep(rng: Rng): Arg {
  return rng.chance(0.35) ? rng.pick([-1, KEEP]) : id(rng);
}

/** Little-endian 32-bit words as hex. */
function words(values: readonly number[]): string {
  const buffer = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => buffer.writeUInt32LE(value, 4 * i));
  return buffer.toString('hex');
}

type Change = (s: Scenario, task: string) => void;

const CHANGES: readonly (readonly [number, Change])[] = [
  [4, (s, t) => s.call(t, 'setresuid', [idOrKeep(s.rng), idOrKeep(s.rng), idOrKeep(s.rng)])],
  [3, (s, t) => s.call(t, 'setresgid', [idOrKeep(s.rng), idOrKeep(s.rng), idOrKeep(s.rng)])],
  [3, (s, t) => s.call(t, 'setreuid', [idOrKeep(s.rng), idOrKeep(s.rng)])],
  [2, (s, t) => s.call(t, 'setregid', [idOrKeep(s.rng), idOrKeep(s.rng)])],
  [2, (s, t) => s.call(t, 'setuid', [id(s.rng)])],
  [2, (s, t) => s.call(t, 'setgid', [id(s.rng)])],
  [3, (s, t) => s.call(t, 'setfsuid', [id(s.rng)])],
  [3, (s, t) => s.call(t, 'setfsgid', [id(s.rng)])],
  [2, setGroups],
  [4, changeCaps],
  [2, (s, t) => s.call(t, 'prctl', [abi.PR_SET_KEEPCAPS, s.rng.pick([0, 1, 1, 2, -1]), 0, 0, 0])],
  [3, setDumpable],
  [1, (s, t) => s.call(t, 'prctl', [abi.PR_CAPBSET_DROP, someCap(s.rng), 0, 0, 0])],
  [2, setAmbient],
  [1, setSecurebits],
  [1, setNoNewPrivs],
];

/** One random change of a task's credentials, allowed or not. */
export function changeCredentials(s: Scenario, task: string): void {
  s.rng.weighted(CHANGES)(s, task);
}

/** Makes a task what daemons make themselves: another user, with some of the capabilities kept. */
export function becomeUser(s: Scenario, task: string): void {
  const { rng } = s;
  const [uid, gid] = [rng.pick([1000, 1000, 1001]), rng.pick([1000, 1000, 1001])];
  const keep = rng.chance(0.5);
  if (keep) s.call(task, 'prctl', [abi.PR_SET_KEEPCAPS, 1, 0, 0, 0]);
  if (rng.chance(0.3)) s.call(task, 'setgroups', [2, { in: words([1000, 2000]) }]);
  s.call(task, 'setresgid', [gid, gid, gid]);
  s.call(task, 'setresuid', [uid, uid, uid]);
  if (keep) setCaps(s, task, someCaps(rng), someCaps(rng), 0n);
  if (rng.chance(0.6)) s.call(task, 'prctl', [abi.PR_SET_DUMPABLE, 1, 0, 0, 0]);
}

/** Everything a task can ask about its own credentials. */
export function askCredentials(s: Scenario, task: string): void {
  const ask: Change[] = [
    () => s.call(task, 'getresuid', [{ out: 4 }, { out: 4 }, { out: 4 }]),
    () => s.call(task, 'getresgid', [{ out: 4 }, { out: 4 }, { out: 4 }]),
    () => s.call(task, 'capget', [capHeader(somePid(s.rng), capVersion(s.rng)), { out: 24 }]),
    () => s.call(task, 'getgroups', [s.rng.pick([0, 1, 8, 8, -1]), { out: 32 }]),
    () => s.call(task, s.rng.pick(['getuid', 'geteuid', 'getgid', 'getegid']), []),
    () => s.call(task, 'setfsuid', [-1]),
    () => s.call(task, 'setfsgid', [-1]),
    () => s.call(task, 'prctl', [abi.PR_GET_DUMPABLE, 0, 0, 0, 0]),
    () =>
      s.call(task, 'prctl', [s.rng.pick([abi.PR_GET_KEEPCAPS, abi.PR_GET_SECUREBITS]), 0, 0, 0, 0]),
    () => s.call(task, 'prctl', [abi.PR_GET_NO_NEW_PRIVS, s.rng.pick([0, 0, 0, 1]), 0, 0, 0]),
    () => s.call(task, 'prctl', [abi.PR_CAPBSET_READ, someCap(s.rng), 0, 0, 0]),
    () =>
      s.call(task, 'prctl', [abi.PR_CAP_AMBIENT, abi.PR_CAP_AMBIENT_IS_SET, someCap(s.rng), 0, 0]),
  ];
  s.rng.pick(ask)(s, task);
}

/** Oneself, mostly; nobody. */
function somePid(rng: Rng): number {
  return rng.chance(0.1) ? rng.pick([-1, 999999999]) : 0;
}

/** A capability's number; at times one that is none. */
function someCap(rng: Rng): Arg {
  return rng.chance(0.1) ? rng.pick([41, 63, 64, -1, '0x100000000']) : rng.int(41);
}

function setGroups(s: Scenario, task: string): void {
  const groups = Array.from({ length: s.rng.int(5) }, () => s.rng.pick(IDS));
  const size = s.rng.chance(0.1) ? s.rng.pick([-1, 65537]) : groups.length;
  const list = s.rng.chance(0.05) && groups.length > 0 ? '0x8' : { in: words(groups) };
  s.call(task, 'setgroups', [size, list]);
}

/** capset, mostly to less than there is, at times to anything. */
function changeCaps(s: Scenario, task: string): void {
  const { rng } = s;
  const now = capsOf(s, task);
  const less = (mask: bigint): bigint =>
    rng.chance(0.5) ? mask : mask & ~(1n << BigInt(rng.int(41)));
  const any = rng.chance(0.15);
  const permitted = any
    ? someCaps(rng)
    : less(rng.chance(0.2) ? rng.mask(now.permitted) : now.permitted);
  const effective = rng.chance(0.5) ? permitted : any ? someCaps(rng) : permitted & someCaps(rng);
  const inheritable = rng.chance(0.6) ? now.inheritable : someCaps(rng);
  const pid = rng.chance(0.1) ? rng.pick([1, -1, 999999999]) : 0;
  setCaps(s, task, effective, permitted, inheritable, pid);
}

function setDumpable(s: Scenario, task: string): void {
  s.call(task, 'prctl', [
    abi.PR_SET_DUMPABLE,
    s.rng.pick([0, 1, 1, 1, 2, 3, -1, '0x100000001']),
    0,
    0,
    0,
  ]);
}

function setAmbient(s: Scenario, task: string): void {
  const what = s.rng.pick([1, 2, 2, 2, 3, 4, 0, 5]);
  const junk = s.rng.chance(0.05) ? 1 : 0;
  s.call(task, 'prctl', [
    abi.PR_CAP_AMBIENT,
    what,
    what === 4 && !junk ? 0 : someCap(s.rng),
    junk,
    0,
  ]);
}

function setSecurebits(s: Scenario, task: string): void {
  const bits = s.rng.weighted<() => number>([
    [3, () => 1 << s.rng.int(8)],
    [2, () => s.rng.int(256)],
    [1, () => 1 << s.rng.between(8, 11)],
    [1, () => 0],
  ])();
  s.call(task, 'prctl', [abi.PR_SET_SECUREBITS, bits, 0, 0, 0]);
}

function setNoNewPrivs(s: Scenario, task: string): void {
  const args = s.rng.pick([
    [1, 0, 0, 0],
    [0, 0, 0, 0],
    [1, 1, 0, 0],
    [2, 0, 0, 0],
  ]);
  s.call(task, 'prctl', [abi.PR_SET_NO_NEW_PRIVS, ...args]);
}
