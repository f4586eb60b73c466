import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import * as cap from '../../src/kernel/capability.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { AT_FDCWD, O_RDWR } from '../../src/vfs/flags.js';
import { readdir } from '../../src/vfs/readdir.js';
import { readlinkat } from '../../src/vfs/stat.js';
import type { SpawnOptions } from '../kernel/fixture.js';
import { boot, open, outcome, read, tryOpen, writeTo } from '../vfs/fixture.js';

const { capMask } = cap;

/** Opens and reads: 'ok', the error of the open, or 'read ' and the error of the read. */
function openAndRead(task: TaskStruct, path: string): string {
  const fd = open(task, path);
  if (typeof fd === 'string') return fd;
  const text = read(task, fd, 64);
  return /^E[A-Z]+$/.test(text) ? `read ${text}` : 'ok';
}

const ok = (result: unknown): string =>
  typeof result === 'string' && /^E[A-Z]+$/.test(result) ? result : 'ok';

/** What an observer tries on /proc/PID, by name. */
const ATTEMPTS: Record<string, (task: TaskStruct, dir: string) => string> = {
  mem: (task, dir) => tryOpen(task, `${dir}/mem`),
  memW: (task, dir) => tryOpen(task, `${dir}/mem`, O_RDWR),
  maps: (task, dir) => tryOpen(task, `${dir}/maps`),
  environ: (task, dir) => tryOpen(task, `${dir}/environ`),
  auxv: (task, dir) => tryOpen(task, `${dir}/auxv`),
  pagemap: (task, dir) => tryOpen(task, `${dir}/pagemap`),
  smaps: (task, dir) => tryOpen(task, `${dir}/smaps`),
  io: (task, dir) => openAndRead(task, `${dir}/io`),
  syscall: (task, dir) => openAndRead(task, `${dir}/syscall`),
  stack: (task, dir) => openAndRead(task, `${dir}/stack`),
  personality: (task, dir) => openAndRead(task, `${dir}/personality`),
  timers: (task, dir) => tryOpen(task, `${dir}/timers`),
  wchan: (task, dir) => openAndRead(task, `${dir}/wchan`),
  clear_refs: (task, dir) => ok(writeTo(task, `${dir}/clear_refs`, '1')),
  exe: (task, dir) => ok(outcome(() => readlinkat(task, AT_FDCWD, `${dir}/cwd`, 99))),
  fd: (task, dir) => ok(outcome(() => readdir(task, `${dir}/fd`).length)),
  mapf: (task, dir) => ok(outcome(() => readdir(task, `${dir}/map_files`).length)),
  ns: (task, dir) => ok(outcome(() => readlinkat(task, AT_FDCWD, `${dir}/ns/mnt`, 99))),
};

/** Names by outcome, those that are ok left out: "EACCES=mem,io read EPERM=syscall". */
function summary(task: TaskStruct, dir: string): string {
  const groups = new Map<string, string[]>();
  for (const [name, attempt] of Object.entries(ATTEMPTS)) {
    const result = attempt(task, dir);
    if (result !== 'ok') groups.set(result, [...(groups.get(result) ?? []), name]);
  }
  return [...groups].map(([result, names]) => `${result}=${names.join()}`).join(' | ');
}

const TRUSTED = 'read EACCES=stack';
const CLOSED =
  'EACCES=mem,memW,maps,environ,auxv,pagemap,smaps,io,syscall,stack,personality,timers,clear_refs,exe,fd,mapf,ns';
/** The owner matches, ptrace does not: what only asks DAC is open (K-609, K-612, K-613). */
const OWNER =
  'EACCES=mem,memW,maps,environ,auxv,pagemap,smaps,timers,exe,mapf,ns | read EACCES=io,stack | read EPERM=syscall,personality';
/** The reverse: CAP_SYS_PTRACE without the owner. */
const PTRACE_ONLY =
  'EACCES=mem,memW,environ,auxv,pagemap,io,syscall,stack,personality,clear_refs,fd,mapf';
const CHOWN = capMask(cap.CAP_CHOWN);
const PTRACE = capMask(cap.CAP_SYS_PTRACE);

/** Target, observer and the answers of a real kernel (K-041 to K-052). */
const ROWS: readonly (readonly [string, SpawnOptions, SpawnOptions, string])[] = [
  ['same uid and gid', { uid: 1000 }, { uid: 1000 }, TRUSTED],
  ['same, target not dumpable', { uid: 1000, dumpable: 0 }, { uid: 1000 }, CLOSED],
  ['another uid', { uid: 1000 }, { uid: 1001 }, CLOSED],
  ['same uid, another gid', { uid: 1000 }, { uid: 1000, gid: 1001 }, OWNER],
  ['fsuid fits, real does not', { uid: 1000 }, { uid: [1001, 1000, 1001], gid: 1000 }, TRUSTED],
  ['real fits, fsuid does not', { uid: 1000 }, { uid: [1000, 1001, 1000], gid: 1000 }, CLOSED],
  ['target suid differs', { uid: [1000, 1000, 1001], gid: 1000 }, { uid: 1000 }, OWNER],
  ['target ruid differs', { uid: [1001, 1000, 1000], gid: 1000 }, { uid: 1000 }, OWNER],
  ['target egid differs', { uid: 1000, gid: [1000, 1001, 1000] }, { uid: 1000 }, OWNER],
  ['target sgid differs', { uid: 1000, gid: [1000, 1000, 1001] }, { uid: 1000 }, OWNER],
  ['setfsuid is enough', { uid: 1000 }, { uid: 1001, fsuid: 1000, fsgid: 1000 }, TRUSTED],
  ['uid 0 without capabilities, both', { uid: 0, caps: 0n }, { uid: 0, caps: 0n }, TRUSTED],
  ['uid 0 without, target has all', { uid: 0 }, { uid: 0, caps: 0n }, OWNER],
  ['uid 0 without, target uid 1000', { uid: 1000 }, { uid: 0, caps: 0n }, CLOSED],
  ['CAP_SYS_PTRACE only', { uid: 1000 }, { uid: 1001, caps: PTRACE }, PTRACE_ONLY],
  [
    'CAP_SYS_PTRACE, DAC_READ_SEARCH',
    { uid: 1000 },
    { uid: 1001, caps: capMask(cap.CAP_SYS_PTRACE, cap.CAP_DAC_READ_SEARCH) },
    'EACCES=memW,clear_refs | read EACCES=stack',
  ],
  [
    'CAP_SYS_PTRACE, DAC_OVERRIDE',
    { uid: 1000 },
    { uid: 1001, caps: capMask(cap.CAP_SYS_PTRACE, cap.CAP_DAC_OVERRIDE) },
    TRUSTED,
  ],
  [
    'CAP_SYS_PTRACE, DAC_OVERRIDE, not dumpable',
    { uid: 1000, dumpable: 0 },
    { uid: 1001, caps: capMask(cap.CAP_SYS_PTRACE, cap.CAP_DAC_OVERRIDE) },
    TRUSTED,
  ],
  ['DAC_OVERRIDE only', { uid: 1000 }, { uid: 1001, caps: capMask(cap.CAP_DAC_OVERRIDE) }, OWNER],
  ['target permitted CHOWN', { uid: 1000, caps: CHOWN }, { uid: 1000 }, OWNER],
  ['both CHOWN', { uid: 1000, caps: CHOWN }, { uid: 1000, caps: CHOWN }, TRUSTED],
  [
    'observer CHOWN permitted, not effective',
    { uid: 1000, caps: CHOWN },
    { uid: 1000, caps: CHOWN, cred: { capEffective: 0n } },
    OWNER,
  ],
  ['observer CAP_SYS_PTRACE', { uid: 1000, caps: CHOWN }, { uid: 1000, caps: PTRACE }, TRUSTED],
  [
    'CAP_PERFMON, another uid',
    { uid: 1000 },
    { uid: 1001, caps: capMask(cap.CAP_PERFMON) },
    'EACCES=mem,memW,environ,auxv,pagemap,io,syscall,stack,personality,timers,clear_refs,exe,fd,mapf,ns',
  ],
  [
    'CAP_PERFMON, DAC_OVERRIDE',
    { uid: 1000 },
    { uid: 1001, caps: capMask(cap.CAP_PERFMON, cap.CAP_DAC_OVERRIDE) },
    'EACCES=mem,memW,timers,exe,ns | read EACCES=io,stack | read EPERM=syscall,personality',
  ],
  [
    'CAP_SYS_ADMIN, DAC_OVERRIDE',
    { uid: 1000 },
    { uid: 1001, caps: capMask(cap.CAP_SYS_ADMIN, cap.CAP_DAC_OVERRIDE) },
    'EACCES=mem,memW,timers,exe,ns | read EACCES=io | read EPERM=syscall,stack,personality',
  ],
  [
    'own uid, not dumpable, CAP_SYS_PTRACE',
    { uid: 1000, dumpable: 0 },
    { uid: 1000, caps: PTRACE },
    PTRACE_ONLY,
  ],
];

const test = suite('procfs/access');

for (const [name, target, observer, expected] of ROWS) {
  test(`who sees what: ${name}`, () => {
    const { spawn } = boot();
    const dir = `/proc/${spawn(target).pid}`;
    assert.is(summary(spawn(observer), dir), expected);
  });
}

test('a process of its own that is not dumpable cannot open its own mem (K-035)', () => {
  const { spawn } = boot();
  const self = spawn({ uid: 1000, dumpable: 0 });
  const expected = 'EACCES=mem,memW,environ,auxv,pagemap,io,syscall,stack,personality,clear_refs';
  assert.is(summary(self, '/proc/self'), expected);
  const caps = capMask(cap.CAP_DAC_OVERRIDE);
  assert.is(summary(spawn({ uid: 1000, dumpable: 0, caps }), '/proc/self'), TRUSTED);
});

test.run();
