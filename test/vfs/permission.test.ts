import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  capMask,
} from '../../src/kernel/capability.js';
import { faccessat } from '../../src/vfs/access.js';
import { fchmodat2, fchownat, utimensat } from '../../src/vfs/attr.js';
import { AT_EACCESS, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../../src/vfs/flags.js';
import { symlinkat } from '../../src/vfs/namei-modify.js';
import { vfsStatat } from '../../src/vfs/stat.js';
import type { SpawnOptions } from '../kernel/fixture.js';
import { boot, outcome, tryOpen, writeTo } from './fixture.js';

const READ = 0;
const WRITE = 1;
const KEEP = 0xffffffff;

/** Files of uid 1000, gid 100, by mode. */
function setup() {
  const world = boot();
  for (const mode of [0o400, 0o040, 0o004, 0o200, 0o600, 0o000, 0o111, 0o6755]) {
    const path = `/tmp/${mode.toString(8)}`;
    world.vfs.addFile(path, new Uint8Array(1), { mode, uid: 1000, gid: 100 });
  }
  return world;
}

const test = suite('vfs/permission');

test('the first class that fits decides: owner, group, others; then the capabilities', () => {
  const { spawn } = setup();
  const rows: [SpawnOptions, string, number, string][] = [
    [{ uid: 1000 }, '400', READ, 'ok'],
    [{ uid: 1000 }, '40', READ, 'EACCES'],
    [{ uid: 1000, gid: 100 }, '40', READ, 'EACCES'],
    [{ uid: 1001, gid: 100 }, '40', READ, 'ok'],
    [{ uid: 1001, groups: [100] }, '40', READ, 'ok'],
    [{ uid: 1001, gid: 100 }, '4', READ, 'EACCES'],
    [{ uid: 1001 }, '4', READ, 'ok'],
    [{ uid: 1000, fsuid: 1001 }, '400', READ, 'EACCES'],
    [{ uid: 1001, fsuid: 1000 }, '400', READ, 'ok'],
    [{ uid: 1001, fsgid: 100 }, '40', READ, 'ok'],
    [{ uid: 1000 }, '200', WRITE, 'ok'],
    [{ uid: 1000 }, '200', READ, 'EACCES'],
    [{ uid: 0, caps: 0n }, '0', READ, 'EACCES'],
    [{ uid: 0 }, '0', WRITE, 'ok'],
    [{ uid: 1001, caps: capMask(CAP_DAC_READ_SEARCH) }, '0', READ, 'ok'],
    [{ uid: 1001, caps: capMask(CAP_DAC_READ_SEARCH) }, '0', WRITE, 'EACCES'],
    [{ uid: 1001, caps: capMask(CAP_DAC_OVERRIDE) }, '0', WRITE, 'ok'],
  ];
  for (const [who, file, flags, expected] of rows) {
    const label = JSON.stringify(who, (_, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    assert.is(tryOpen(spawn(who), `/tmp/${file}`, flags), expected, `${label} ${file} ${flags}`);
  }
});

test('access judges by the real ids, and execution needs an x bit even for root', () => {
  const { spawn } = setup();
  const access = (who: SpawnOptions, path: string, mode: number, flags = 0) =>
    outcome(() => faccessat(spawn(who), AT_FDCWD, path, mode, flags)) ?? 'ok';
  assert.is(access({ uid: [1001, 1000, 1000] }, '/tmp/400', 4), 'EACCES');
  assert.is(access({ uid: [1000, 1001, 1001] }, '/tmp/400', 4), 'ok');
  assert.is(access({ uid: [1001, 1000, 1000] }, '/tmp/400', 4, AT_EACCESS), 'ok');
  assert.is(access({ uid: 0 }, '/tmp/600', 1), 'EACCES');
  assert.is(access({ uid: 0 }, '/tmp/111', 1), 'ok');
  assert.is(access({ uid: [0, 1, 1] }, '/tmp/0', 4), 'ok', 'what root may have counts');
  assert.is(access({ uid: [0, 1, 1], caps: 0n }, '/tmp/0', 4), 'EACCES');
  assert.is(access({ uid: 0 }, '/tmp/nope', 0), 'ENOENT');
  assert.is(access({ uid: 0 }, '/tmp/600', 8), 'EINVAL');
  assert.is(access({ uid: 0 }, '/tmp/600', 0, 0x8000), 'EINVAL');
});

test('the mode is the owner’s to change, and CAP_FOWNER’s', () => {
  const { spawn } = setup();
  const chmod = (who: SpawnOptions, mode: number) =>
    outcome(() => fchmodat2(spawn(who), AT_FDCWD, '/tmp/600', mode, 0)) ?? 'ok';
  assert.is(chmod({ uid: 1001 }, 0o644), 'EPERM');
  assert.is(chmod({ uid: 1000 }, 0o644), 'ok');
  assert.is(chmod({ uid: 1001, caps: capMask(CAP_FOWNER) }, 0o600), 'ok');
  const root = spawn();
  assert.is(chmod({ uid: 1000 }, 0o2755), 'ok');
  assert.is(vfsStatat(root, AT_FDCWD, '/tmp/600', 0).mode, 0o100755, 'not of the group: no setgid');
  symlinkat(root, '600', AT_FDCWD, '/tmp/link');
  const link = () => fchmodat2(root, AT_FDCWD, '/tmp/link', 0o600, AT_SYMLINK_NOFOLLOW);
  assert.is(outcome(link), 'EOPNOTSUPP');
});

test('a new owner takes the setuid and setgid bits away, and so does a write', () => {
  const { spawn } = setup();
  const root = spawn();
  const mode = () => vfsStatat(root, AT_FDCWD, '/tmp/6755', 0).mode & 0o7777;
  assert.is(writeTo(spawn({ uid: 1000, caps: capMask(CAP_FSETID) }), '/tmp/6755', 'x'), 1);
  assert.is(mode(), 0o6755);
  assert.is(writeTo(spawn({ uid: 1000 }), '/tmp/6755', 'x'), 1);
  assert.is(mode(), 0o755);
  fchmodat2(root, AT_FDCWD, '/tmp/6755', 0o6755, 0);
  fchownat(root, AT_FDCWD, '/tmp/6755', 1000, KEEP, 0);
  assert.is(mode(), 0o755);
});

test('giving files away needs CAP_CHOWN; a group of one’s own does not', () => {
  const { spawn } = setup();
  const chown = (who: SpawnOptions, uid: number, gid: number) =>
    outcome(() => fchownat(spawn(who), AT_FDCWD, '/tmp/600', uid, gid, 0)) ?? 'ok';
  assert.is(chown({ uid: 1000 }, 1001, KEEP), 'EPERM');
  assert.is(chown({ uid: 1000 }, 1000, KEEP), 'ok');
  assert.is(chown({ uid: 1000, groups: [7] }, KEEP, 7), 'ok');
  assert.is(chown({ uid: 1000 }, KEEP, 8), 'EPERM');
  assert.is(chown({ uid: 1000 }, KEEP, KEEP), 'ok');
  assert.is(chown({ uid: 0 }, 1001, 1001), 'ok');
});

test('chown that keeps both ids takes setuid and setgid, which is the owner’s to do', () => {
  const { spawn } = setup();
  const root = spawn();
  const rows: [number, SpawnOptions, string, number][] = [
    [0o6755, { uid: 1001, gid: 1001 }, 'EPERM', 0o6755],
    [0o6755, { uid: 1000, gid: 100 }, 'ok', 0o755],
    // Without execution for the group the bit means nothing, and who is of the group keeps it.
    [0o2644, { uid: 1001, gid: 1001 }, 'EPERM', 0o2644],
    [0o2644, { uid: 1000, gid: 100 }, 'ok', 0o2644],
    [0o600, { uid: 1001, gid: 1001 }, 'ok', 0o600],
  ];
  for (const [mode, who, verdict, then] of rows) {
    fchmodat2(root, AT_FDCWD, '/tmp/600', mode, 0);
    const result = outcome(() => fchownat(spawn(who), AT_FDCWD, '/tmp/600', KEEP, KEEP, 0)) ?? 'ok';
    assert.is(result, verdict, mode.toString(8));
    assert.is(vfsStatat(root, AT_FDCWD, '/tmp/600', 0).mode & 0o7777, then);
  }
});

test('times: setting them is the owner’s, "now" needs write permission only', () => {
  const { spawn } = setup();
  const root = spawn();
  fchmodat2(root, AT_FDCWD, '/tmp/600', 0o666, 0);
  const other = spawn({ uid: 1001 });
  const times = (path: string, pair: [number, number] | null) =>
    outcome(() => utimensat(other, AT_FDCWD, path, pair, 0)) ?? 'ok';
  assert.is(times('/tmp/600', [1, 2]), 'EPERM');
  assert.is(times('/tmp/600', null), 'ok');
  assert.is(times('/tmp/400', null), 'EACCES');
  utimensat(root, AT_FDCWD, '/tmp/600', [1000, 'omit'], 0);
  assert.is(vfsStatat(root, AT_FDCWD, '/tmp/600', 0).atime, 1000);
});

test.run();
