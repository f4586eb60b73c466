import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { resolveProfile, type ProfileOptions } from '../../src/api/profile-option.js';
import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import { CAP_DAC_OVERRIDE, CAP_PERFMON, capMask } from '../../src/kernel/capability.js';
import { PROFILES, type ProfileName } from '../../src/kernel/named-profiles.js';
import { Machine } from '../../src/machine.js';
import { tgidBaseStuff } from '../../src/procfs/pid.js';
import { implementedSyscalls } from '../../src/syscall/dispatch.js';

const PAGE = 4096;
const MIB = 2 ** 20;
const MAP_PRIVATE = 2;
const MAP_SHARED = 1;
const MAP_DROPPABLE = 8;
const MAP_ANONYMOUS = 0x20;
const MAP_FIXED = 0x10;
const MAP_GROWSDOWN = 0x100;
const MREMAP_MOVE_FIXED = 3;
const MADV_GUARD_INSTALL = 102;
const ENOTTY = -25;
const ENOSYS = -38;
const PROT_READ = 1;

/** What a call gives, or the name of its error. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  }
}

type Probe = (machine: Machine) => unknown;

/** A child that has exited, and who looks at it. */
function zombie(machine: Machine, dumpable: 0 | 1): { readonly child: Task; readonly peer: Task } {
  const parent = machine.spawn({ uid: 1000 });
  const child = parent.fork();
  child.setDumpable(dumpable);
  child.exit();
  return { child, peer: machine.spawn({ uid: 1000 }) };
}

/** What reading a file about a task without memory gives. */
const readDead =
  (name: string): Probe =>
  (machine) => {
    const parent = machine.spawn();
    const child = parent.fork();
    child.exit();
    return outcome(() => parent.readFile(`/proc/${child.pid}/${name}`).length);
  };

/** Three pages of two mappings move to another place; and what was there before. */
function moveSeveral(machine: Machine): unknown[] {
  const task = machine.spawn();
  const from = task.mmap({ length: 3 * PAGE });
  task.mprotect(from + 4096n, PAGE, PROT_READ);
  const to = task.mmap({ length: 3 * PAGE });
  task.store8(to, 7);
  const moved = outcome(() => task.mremap(from, 3 * PAGE, 3 * PAGE, MREMAP_MOVE_FIXED, to) === to);
  return [moved, task.isReadable(from, 1), task.isReadable(to, 1)];
}

/** process_vm_readv below a mapping that grows: the count, and how far it grew. */
function readBelowStack(machine: Machine): unknown[] {
  const task = machine.spawn();
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN;
  const top = 0x300000000000n;
  task.mmap({ addr: top, length: PAGE, flags });
  const reader = machine.spawn();
  const below = top - 3n * 4096n;
  const byObject = outcome(() => reader.processVmRead(task, below, new Uint8Array(8)));
  reader.mmap({ addr: 0x200000000000, length: PAGE, flags: 0x32 });
  const iovs = new BigUint64Array([0x200000000100n, 8n, below - 4096n, 8n]);
  reader.store(0x200000000000, new Uint8Array(iovs.buffer));
  const [local, remote] = [0x200000000000, 0x200000000010];
  const byNumber = reader.syscall('process_vm_readv', task.pid, local, 1, remote, 1, 0);
  const grown = [...task.readableRanges(top - 0x10000n, top + 4096n)].map(({ start }) => start);
  return [byObject, byNumber, grown[0] === undefined ? null : Number(top - grown[0]) / PAGE];
}

/** Where anonymous memory of some lengths begins, modulo 2 MiB being 0 or not. */
function aligned(machine: Machine): boolean[] {
  const task = machine.spawn();
  return [2 * MIB, 3 * MIB, 64 * PAGE].map((length) => {
    task.mmap({ length: 5 * PAGE });
    return task.mmap({ length }) % BigInt(2 * MIB) === 0n;
  });
}

/** Guard pages on anonymous and on file memory. */
function guards(machine: Machine): unknown[] {
  const task = machine.spawn();
  const anon = task.mmap({ length: PAGE });
  const file = task.memfdCreate('x');
  file.write(new Uint8Array(PAGE));
  const mapped = task.mmap({ length: PAGE, file, flags: MAP_SHARED });
  return [anon, mapped].map((addr) =>
    outcome(() => {
      task.madvise(addr, PAGE, MADV_GUARD_INSTALL);
      return task.isReadable(addr, 1);
    }),
  );
}

/** An ioctl of a file of /proc/self with an argument that is nothing: how far it comes. */
const ioctl =
  (name: string, cmd: number): Probe =>
  (machine) => {
    const task = machine.spawn({ argv: ['/bin/x'] });
    return task.syscall('ioctl', task.open(`/proc/self/${name}`).fd, cmd, 0);
  };

/** The forced write of a peer who does not trace, into read-only memory. */
function force(machine: Machine): unknown {
  const task = machine.spawn();
  const addr = task.mmap({ length: PAGE, prot: PROT_READ });
  const mem = machine.spawn().open(`/proc/${task.pid}/mem`, 'r+');
  return outcome(() => mem.pwrite(new Uint8Array(1), addr));
}

function perfmon(machine: Machine): unknown {
  const task = machine.spawn({ argv: ['/bin/x'], uid: 1000 });
  const watcher = machine.spawn({ uid: 2000, caps: capMask(CAP_PERFMON, CAP_DAC_OVERRIDE) });
  return outcome(() => watcher.readFile(`/proc/${task.pid}/auxv`).length > 0);
}

function execWithoutArguments(machine: Machine): unknown {
  const task = machine.spawn();
  machine.addFile('/bin/x', new Uint8Array(10), 0o755);
  task.exec('/bin/x', []);
  return task.readFile('/proc/self/cmdline').length;
}

function firstReadTakesPage(machine: Machine): boolean {
  const task = machine.spawn();
  const addr = task.mmap({ length: PAGE });
  const rss = (): string => task.readText('/proc/self/status').match(/RssAnon:\s+(\d+)/)?.[1] ?? '';
  const before = rss();
  task.load8(addr);
  return rss() !== before;
}

const showsSoftDirty: Probe = (machine) =>
  machine
    .spawn({ argv: ['/bin/x'] })
    .readText('/proc/self/smaps')
    .includes(' sd ');

const droppable: Probe = (machine) => {
  const task = machine.spawn();
  return outcome(() => {
    return task.mmap({ length: PAGE, flags: MAP_DROPPABLE | MAP_ANONYMOUS }) > 0n;
  });
};

const linkOfZombie: Probe = (machine) => {
  const { child, peer } = zombie(machine, 0);
  return outcome(() => peer.readlink(`/proc/${child.pid}/ns/user`).startsWith('user:'));
};

const siblingMem: Probe = (machine) => {
  const task = machine.spawn({ uid: 1000 });
  const sibling = machine.spawn({ uid: 1000 });
  return outcome(() => sibling.open(`/proc/${task.pid}/mem`).pread(new Uint8Array(1), 0));
};

/** Each rule, a value other than Linux 6.18's, and what a probe gives there and here. */
const RULES: readonly (readonly [ProfileOptions, Probe, unknown, unknown])[] = [
  [{ forceOverride: 'never' }, force, 1, 'EIO'],
  [{ forceOverride: 'ptrace' }, force, 1, 'EIO'],
  [{ yama: 1 }, siblingMem, 'EIO', 'EACCES'],
  [{ zeroPage: false }, firstReadTakesPage, false, true],
  [{ softDirty: true }, showsSoftDirty, false, true],
  [{ memNeedsMm: false }, readDead('mem'), 'ESRCH', 0],
  [{ memNeedsMm: false }, readDead('environ'), 'ESRCH', 0],
  [{ memNeedsMm: false }, readDead('auxv'), 'ESRCH', 0],
  [{ memNeedsMm: false }, readDead('pagemap'), 'ESRCH', 0],
  [{ memNeedsMm: false }, readDead('smaps_rollup'), 'ESRCH', 'ESRCH'],
  [{ perfmonReads: false }, perfmon, true, 'EACCES'],
  [{ remembersDumpable: false }, linkOfZombie, 'EACCES', true],
  [{ processVmGrowsStack: true }, readBelowStack, ['EFAULT', -14, 0], [8, 8, 4]],
  [{ mremapSeveral: false }, moveSeveral, [true, false, true], ['EFAULT', true, false]],
  [{ guardRegions: 'none' }, guards, [false, false], ['EINVAL', 'EINVAL']],
  [{ guardRegions: 'anonymous' }, guards, [false, false], [false, 'EINVAL']],
  [{ thpAlignment: 'none' }, aligned, [true, false, false], [false, false, false]],
  [{ thpAlignment: 'large' }, aligned, [true, false, false], [true, true, false]],
  [{ mapDroppable: false }, droppable, true, 'EINVAL'],
  [{ procmapQuery: false }, ioctl('maps', 0xc0686611), -14, ENOTTY],
  [{ pagemapScan: false }, ioctl('pagemap', 0xc0606610), -14, ENOTTY],
  [{ execAddsArgument: false }, execWithoutArguments, 1, 0],
  [{ missingSyscalls: ['mseal'] }, (m) => m.spawn().syscall('mseal', 0, 0, 0), 0, ENOSYS],
  [
    { pidEntries: ['maps', 'mem', 'task'] },
    (machine) => machine.spawn().readdir('/proc/self').length,
    tgidBaseStuff.length,
    3,
  ],
];

const test = suite('api/profile');

for (const [options, probe, here, there] of RULES) {
  const [rule] = Object.entries(options) as [[string, unknown]];
  test(`${rule[0]} ${JSON.stringify(rule[1])} differs from Linux 6.18: ${JSON.stringify(there)}`, async () => {
    const changed = await Machine.create({ profile: options });
    assert.equal(probe(await Machine.create()), here);
    assert.equal(probe(changed), there);
    assert.equal(changed.check(), []);
  });
}

test('every rule that is not a name or a size has a probe', () => {
  const probed = new Set(RULES.flatMap(([options]) => Object.keys(options)));
  const others = ['release', 'version', 'nodename', 'lsmMmapMinAddr', 'totalRam'];
  const rules = Object.keys(PROFILES['linux-6.18']);
  assert.equal(
    rules.filter((name) => !probed.has(name)),
    others.filter((name) => rules.includes(name)),
  );
});

/** Which Linux has what: [since, probe, what it gives from then on]. */
const RELEASES: readonly (readonly [string, Probe, unknown])[] = [
  ['6.16', readDead('mem'), 'ESRCH'],
  ['6.13', perfmon, true],
  ['6.17', (machine) => moveSeveral(machine)[0], true],
  ['6.13', (machine) => guards(machine)[0], false],
  ['6.11', droppable, true],
  ['6.11', ioctl('maps', 0xc0686611), -14],
  ['6.10', (machine) => machine.spawn().syscall('mseal', 0, 0, 0), 0],
  ['6.7', ioctl('pagemap', 0xc0606610), -14],
  ['6.7', (machine) => aligned(machine)[0], true],
  ['6.6', (machine) => machine.spawn().syscall('fchmodat2', -100, 0, 0, 0), -14],
  ['6.5', (machine) => readBelowStack(machine)[0], 'EFAULT'],
  ['5.18', execWithoutArguments, 1],
];

/** Compares "6.9" with "6.18". */
function isSince(release: string, since: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const [sinceMajor = 0, sinceMinor = 0] = since.split('.').map(Number);
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

for (const name of Object.keys(PROFILES).filter((each) => each.startsWith('linux-'))) {
  test(`${name} has what came until then, and not what came later`, async () => {
    const profile = name as ProfileName;
    const { release } = PROFILES[profile];
    assert.ok(release.startsWith(`${name.slice('linux-'.length)}.`));
    for (const [since, probe, expected] of RELEASES) {
      const answer = probe(await Machine.create({ profile }));
      const same = JSON.stringify(answer) === JSON.stringify(expected);
      assert.is(same, isSince(release, since), `${since}: ${JSON.stringify(answer)}`);
    }
  });
}

test('gvisor-2020 has neither mem nor process_vm_readv, and reads by ptrace', async () => {
  const machine = await Machine.create({ profile: 'gvisor-2020' });
  const parent = machine.spawn();
  const task = parent.fork();
  const addr = task.mmap({ length: PAGE });
  task.store64(addr, 5);
  assert.is(
    outcome(() => parent.open(`/proc/${task.pid}/mem`)),
    'ENOENT',
  );
  assert.is(
    outcome(() => parent.open('/proc/self/mem')),
    'ENOENT',
  );
  assert.is(
    outcome(() => parent.open(`/proc/self/task/${parent.tid}/mem`)),
    'ENOENT',
  );
  assert.is(
    outcome(() => parent.processVmRead(task, addr, new Uint8Array(8))),
    'ENOSYS',
  );
  assert.is(
    outcome(() => parent.processVmWrite(task, addr, new Uint8Array(8))),
    'ENOSYS',
  );
  assert.is(parent.syscall('process_vm_readv', task.pid, 0, 0, 0, 0, 0), ENOSYS);
  assert.is(parent.syscall(310, task.pid, 0, 0, 0, 0, 0), ENOSYS);
  parent.ptraceAttach(task);
  assert.is(parent.ptracePeek(task, addr), 5n);
  assert.ok(parent.readText('/proc/self/maps').includes('-'));
  assert.not.ok(parent.readdir('/proc/self').includes('pagemap'));
  assert.ok(parent.readText('/proc/version').startsWith('Linux version 4.4.0'));
  assert.equal(machine.check(), []);
});

test('a profile is a base with single rules over it', async () => {
  const options = { base: 'linux-6.6', zeroPage: false, nodename: 'box' } as const;
  assert.equal(resolveProfile(options), {
    ...PROFILES['linux-6.6'],
    ...{ zeroPage: false, nodename: 'box' },
  });
  assert.equal(resolveProfile({ release: undefined } as never), PROFILES['linux-6.18']);
  const machine = await Machine.create({ profile: options });
  assert.is(machine.spawn().readText('/proc/sys/kernel/hostname'), 'box\n');
});

test('the scope of Yama is that of the option, where both say one', async () => {
  const machine = await Machine.create({ profile: { yama: 3 }, yama: 2 });
  assert.is(machine.sysctl('kernel.yama.ptrace_scope'), 2);
});

test('calls that a profile lacks are calls that the machine has otherwise', () => {
  const has = implementedSyscalls('x86_64');
  for (const [name, { missingSyscalls }] of Object.entries(PROFILES)) {
    const unknown = missingSyscalls.filter((call) => !has.includes(call) && call !== 'execveat');
    assert.equal(unknown, [], name);
  }
});

const MISUSES: readonly (readonly [unknown, new () => Error, RegExp])[] = [
  [
    'linux-2.4',
    TypeError,
    /^profile: "linux-2.4" is not one of linux-6.18, linux-6.12, .*gvisor-2020$/,
  ],
  ['toString', TypeError, /^profile: "toString" is not one of/],
  [{ base: 'linux-7' }, TypeError, /^profile.base: "linux-7" is not one of linux-6.18/],
  [
    { forcOverride: 'never' },
    TypeError,
    /^profile: "forcOverride" is not one of the rules: release,/,
  ],
  [{ yama: 4 }, RangeError, /^profile.yama: 4 is not one of 0, 1, 2, 3/],
  [{ guardRegions: 'some' }, RangeError, /^profile.guardRegions: "some"/],
  [{ mremapSeveral: 1 }, TypeError, /^profile.mremapSeveral: not a boolean/],
  [
    { missingSyscalls: ['msael'] },
    TypeError,
    /^profile.missingSyscalls: "msael" is not a system call/,
  ],
  [{ missingSyscalls: 'mseal' }, TypeError, /^profile.missingSyscalls: not an array/],
  [{ pidEntries: ['men'] }, TypeError, /^profile.pidEntries: "men" is not an entry of \/proc\/PID/],
];

test('a profile or a rule that there is not is refused by its name and the known ones', async () => {
  for (const [profile, kind, message] of MISUSES) {
    try {
      await Machine.create({ profile: profile as never });
    } catch (error) {
      assert.ok(error instanceof kind && message.test(error.message), String(error));
      continue;
    }
    assert.unreachable(JSON.stringify(profile));
  }
});

test.run();
