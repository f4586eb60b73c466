import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_DAC_OVERRIDE, capMask } from '../../src/kernel/capability.js';
import { commitCreds, prepareCreds } from '../../src/kernel/cred.js';
import { doExit } from '../../src/kernel/exit.js';
import { copyProcess } from '../../src/kernel/fork.js';
import type { ForceOverride } from '../../src/kernel/profile.js';
import { ptraceLink } from '../../src/kernel/ptrace-link.js';
import { CLONE_VM } from '../../src/kernel/unshare.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { O_RDWR } from '../../src/vfs/flags.js';
import { ksysPwrite64 } from '../../src/vfs/read-write.js';
import { thread } from '../kernel/lifecycle.js';
import {
  ARENA,
  boot,
  fileOf,
  host,
  mapFilled,
  open,
  outcome,
  peek,
  read,
  tryOpen,
} from '../vfs/fixture.js';

/** A target with two pages of 'a', and a reader with its mem open at them. */
function setup(forceOverride: ForceOverride = 'always') {
  const { spawn, ...world } = boot({}, { profile: { forceOverride } });
  const target = spawn();
  mapFilled(target, ARENA, 8192, 0x61);
  const reader = spawn();
  const fd = open(reader, `/proc/${target.pid}/mem`, O_RDWR) as number;
  const readAt = (pos: number, length: number): string => {
    fileOf(reader, fd).pos = pos;
    return read(reader, fd, length);
  };
  const writeAt = (pos: number, length: number) =>
    outcome(() => ksysPwrite64(reader, fd, host(length), pos));
  return { ...world, spawn, target, reader, fd, readAt, writeAt };
}

const test = suite('procfs/mem');

test('reads and writes go to the memory of the task, as far as it is there (K-103, K-104)', () => {
  const { target, readAt, writeAt } = setup();
  assert.is(readAt(ARENA + 8190, 10), 'aa');
  assert.is(readAt(ARENA + 8192, 10), 'EIO');
  assert.is(writeAt(ARENA + 8190, 10), 2);
  assert.is(peek(target, ARENA + 8188, 4), '61610000');
});

test('the open file outlives the memory: then everything reads 0 (K-100)', () => {
  const { target, readAt, writeAt, fd, reader } = setup();
  doExit(target, 0);
  assert.equal([readAt(ARENA, 10), writeAt(ARENA, 10)], ['', 0]);
  assert.is(fileOf(reader, fd).pos, ARENA);
});

test('protections do not count (K-130)', () => {
  const { target, readAt, writeAt } = setup();
  if (target.mm !== null) mprotect(target.mm, ARENA, 8192, 0);
  assert.is(readAt(ARENA, 4), 'aaaa');
  assert.is(writeAt(ARENA, 4), 4);
});

test('proc_mem.force_override=never leaves protections standing (K-116)', () => {
  const { target, readAt, writeAt } = setup('never');
  if (target.mm !== null) mprotect(target.mm, ARENA, 4096, 1);
  if (target.mm !== null) mprotect(target.mm, ARENA + 4096, 4096, 0);
  assert.is(readAt(ARENA, 8192), 'a'.repeat(4096));
  assert.is(readAt(ARENA + 4096, 1), 'EIO');
  assert.is(writeAt(ARENA, 1), 'EIO');
});

test('proc_mem.force_override=ptrace is for the tracing thread only (K-116)', () => {
  const { target, reader, readAt } = setup('ptrace');
  if (target.mm !== null) mprotect(target.mm, ARENA, 8192, 0);
  assert.is(readAt(ARENA, 1), 'EIO');
  ptraceLink(target, reader, { cred: reader.cred, seized: true, options: 0 });
  assert.is(readAt(ARENA, 1), 'a');
  const other = thread(reader);
  assert.is(read(other, open(other, `/proc/${target.pid}/mem`), 1), 'EIO');
});

test('the check is made at open and never again (K-055)', () => {
  const { reader, fd, readAt, target } = setup();
  const cred = prepareCreds(reader);
  Object.assign(cred, { uid: 1000, euid: 1000, suid: 1000, fsuid: 1000 });
  Object.assign(cred, { capPermitted: 0n, capEffective: 0n });
  commitCreds(reader, cred);
  assert.is(readAt(ARENA, 2), 'aa');
  assert.is(tryOpen(reader, `/proc/self/fd/${fd}`), 'EACCES');
  assert.is(tryOpen(reader, `/proc/${target.pid}/mem`), 'EACCES');
  if (target.mm !== null) target.mm.dumpable = 0;
  assert.is(readAt(ARENA, 2), 'aa');
});

test('who shares the memory needs no ptrace right, only the owner’s (K-037)', () => {
  const { spawn } = boot();
  const parent = spawn({ uid: 1000 });
  const child = copyProcess(parent, { flags: CLONE_VM });
  const cred = prepareCreds(child);
  cred.suid = 5;
  child.cred = cred;
  assert.is(tryOpen(parent, `/proc/${child.pid}/mem`), 'ok');
  if (parent.mm !== null) parent.mm.dumpable = 0;
  assert.is(tryOpen(parent, `/proc/${child.pid}/mem`), 'EACCES');
});

test('a thread with other ids sees its process, but not through the file owner (K-036)', () => {
  const { spawn } = boot();
  const leader = spawn();
  const other = thread(leader);
  const cred = prepareCreds(other);
  Object.assign(cred, { uid: 1000, euid: 1000, suid: 1000, fsuid: 1000 });
  Object.assign(cred, { capPermitted: 0n, capEffective: 0n });
  commitCreds(other, cred);
  assert.is(tryOpen(other, `/proc/${leader.pid}/mem`), 'EACCES');
  assert.is(tryOpen(other, '/proc/thread-self/mem'), 'EACCES');
  assert.is(tryOpen(other, `/proc/${leader.pid}/maps`), 'ok');
});

test('DAC alone opens nothing, ptrace alone neither (K-051)', () => {
  const { spawn, target } = setup();
  const user = spawn({ uid: 1000, caps: capMask(CAP_DAC_OVERRIDE) });
  assert.is(tryOpen(user, `/proc/${target.pid}/mem`), 'EACCES');
});

test.run();
