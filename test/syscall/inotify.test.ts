import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import type { Task } from '../../src/api/task.js';
import { Guest } from './guest.js';

const O_NONBLOCK = 0o4000;
const IN_OPEN = 0x20;
const IN_ALL_EVENTS = 0xfff;

function caller(machine: Machine, task: Task = machine.spawn()) {
  const guest = new Guest(machine, task);
  const buffer = guest.buffer(8192);
  const call = (name: string, ...args: Parameters<Guest['call']>[1][]): number | string => {
    const value = Number(guest.call(name, ...args));
    return value < 0 ? errnoName(-value) : value;
  };
  return {
    task,
    call,
    /** The events that wait: number, mask and name. */
    events(fd: number): string[] | string {
      const n = call('read', fd, buffer, 8192);
      if (typeof n === 'string') return n;
      const bytes = new Uint8Array(n);
      task.load(buffer, bytes);
      const view = new DataView(bytes.buffer);
      const found: string[] = [];
      for (let at = 0; at < n; at += 16 + view.getUint32(at + 12, true)) {
        const [wd, mask] = [view.getInt32(at, true), view.getUint32(at + 4, true)];
        const name = bytes.subarray(at + 16, at + 16 + view.getUint32(at + 12, true));
        const text = new TextDecoder().decode(name).replace(/\0+$/, '');
        found.push(`${wd} ${mask.toString(16)} ${text}`.trim());
      }
      return found;
    },
  };
}

const test = suite('syscall/inotify');

test('events wait until they are read, in a machine out of a snapshot as well', async () => {
  const machine = await Machine.create();
  const { call, task } = caller(machine);
  const fd = Number(call('inotify_init1', O_NONBLOCK));
  assert.is(call('inotify_add_watch', fd, '/tmp', IN_ALL_EVENTS), 1);
  task.writeFile('/tmp/a', Uint8Array.of(1));
  const copy = await Machine.restore(machine.snapshot());
  for (const each of [machine, copy]) {
    const { events, call: again, task: own } = caller(each, each.task(task.pid) as Task);
    assert.equal(events(fd), ['1 100 a', '1 20 a', '1 2 a', '1 8 a']);
    again('mkdirat', -100, '/tmp/d', 0o755);
    assert.equal(events(fd), ['1 40000100 d']);
    assert.is(events(fd), 'EAGAIN');
    own.exit();
    assert.is(each.vfs.inotifies.size, 0);
    assert.equal(each.check(), []);
  }
  copy.kernel.shutdown();
});

test('limits are those of a user, and settings', async () => {
  const machine = await Machine.create({
    sysctl: { 'fs.inotify.max_user_instances': 2, 'fs.inotify.max_user_watches': 2 },
  });
  const { call, task } = caller(machine);
  assert.is(call('inotify_init1', 0), 0);
  assert.is(call('inotify_init1', 0), 1);
  assert.is(call('inotify_init1', 0), 'EMFILE');
  assert.is(call('inotify_add_watch', 0, '/tmp', IN_OPEN), 1);
  assert.is(call('inotify_add_watch', 1, '/tmp', IN_OPEN), 1);
  assert.is(call('inotify_add_watch', 1, '/', IN_OPEN), 'ENOSPC');
  assert.is(call('inotify_add_watch', 1, '/tmp', IN_ALL_EVENTS), 1);
  task.exit();
  assert.is(caller(machine).call('inotify_init1', 0), 0);
});

test('a watch that is given up is ignored from then on', async () => {
  const { call, events, task } = caller(await Machine.create());
  assert.is(call('inotify_init'), 0);
  assert.is(call('inotify_add_watch', 0, '/tmp', IN_ALL_EVENTS), 1);
  assert.is(events(0), 'ERESTARTSYS');
  assert.is(call('inotify_rm_watch', 0, 1), 0);
  assert.equal(events(0), ['1 8000']);
  assert.is(call('inotify_rm_watch', 0, 1), 'EINVAL');
  task.writeFile('/tmp/a', Uint8Array.of(1));
  assert.is(events(0), 'ERESTARTSYS');
  task.exit();
});

test('fanotify is not there, as in a kernel built without it', async () => {
  const { call } = caller(await Machine.create());
  assert.is(call('fanotify_init', 0, 0), 'ENOSYS');
  assert.is(call('fanotify_mark', 0, 0, 0, -100, '/tmp'), 'ENOSYS');
});

test.run();
