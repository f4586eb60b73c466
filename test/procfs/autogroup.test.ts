// Rows seen on Linux 6.18, as root unless they say otherwise.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';

const test = suite('procfs/autogroup');

let ms = 0;
const machine = await Machine.create({ now: () => ms });

function answer(task: Task, path: string, text: string): string {
  const file = task.open(path, 'w');
  try {
    return String(file.write(new TextEncoder().encode(text)));
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  } finally {
    file.close();
  }
}

const PATH = '/proc/self/autogroup';

test('a session has a group of its own, which its processes share; the first has none', () => {
  const first = machine.spawn();
  assert.is(first.readText(PATH), '');
  assert.is(answer(first, PATH, '5'), 'EINVAL');
  const task = first.fork();
  assert.is(Number(task.syscall('setsid')), task.pid);
  assert.is(task.readText(PATH), '/autogroup-1 nice 0\n');
  const child = task.fork();
  answer(child, PATH, '7');
  assert.is(task.readText(PATH), '/autogroup-1 nice 7\n');
  const other = first.fork();
  other.syscall('setsid');
  assert.is(other.readText(PATH), '/autogroup-2 nice 0\n');
});

const rows: readonly (readonly [string, string, number])[] = [
  ['5', '1', 5],
  ['5\n', '2', 5],
  ['x', 'EINVAL', 5],
  ['20', 'EINVAL', 5],
  ['-21', 'EINVAL', 5],
  ['-5', '2', -5],
  ['', 'EINVAL', -5],
  ['0', '1', 0],
];
test('what it takes', () => {
  const task = machine.spawn().fork();
  task.syscall('setsid');
  for (const [text, expected, nice] of rows) {
    assert.is(answer(task, PATH, text), expected, JSON.stringify(text));
    assert.match(task.readText(PATH), new RegExp(` nice ${nice}\n$`));
  }
});

test('others change it ten times a second, and not below 0', () => {
  const task = machine.spawn({ uid: 1000 }).fork();
  task.syscall('setsid');
  ms += 100;
  assert.is(answer(task, PATH, '3'), '1');
  assert.is(answer(task, PATH, '4'), 'EAGAIN');
  ms += 100;
  assert.is(answer(task, PATH, '-1'), 'EPERM');
  assert.is(answer(task, PATH, '4'), '1');
});

const offsets: readonly (readonly [string, string])[] = [
  ['monotonic 1 0\n', 'EACCES'],
  ['monotonic 0 0\n', 'EACCES'],
  ['x', 'EINVAL'],
  ['x 1 1', 'EINVAL'],
  ['', 'EINVAL'],
  ['monotonic 1 2000000000', 'EINVAL'],
  ['7 0 0\n', 'EACCES'],
  ['boottime 5 5\nmonotonic 3 3\n', 'EACCES'],
  ['1 1 1\n', 'EACCES'],
  ['monotonic 99999999999999999 0', 'ERANGE'],
];
test('timens_offsets shows no offset, and takes none', () => {
  const task = machine.spawn();
  const path = '/proc/self/timens_offsets';
  const shown = 'monotonic           0         0\nboottime            0         0\n';
  assert.is(task.readText(path), shown);
  for (const [text, expected] of offsets) {
    assert.is(answer(task, path, text), expected, JSON.stringify(text));
  }
});

test('directories list what Linux lists, in its order', () => {
  const task = machine.spawn();
  const process =
    'task fd map_files fdinfo ns net environ auxv status personality limits sched autogroup timens_offsets' +
    ' comm syscall cmdline stat statm maps numa_maps mem cwd root exe mounts mountinfo mountstats' +
    ' clear_refs smaps smaps_rollup pagemap attr wchan stack schedstat cpuset cgroup oom_score oom_adj' +
    ' oom_score_adj loginuid sessionid coredump_filter io uid_map gid_map projid_map setgroups timers' +
    ' timerslack_ns arch_status ksm_merging_pages ksm_stat';
  const thread =
    'fd fdinfo ns net environ auxv status personality limits sched comm syscall cmdline stat statm maps' +
    ' children numa_maps mem cwd root exe mounts mountinfo clear_refs smaps smaps_rollup pagemap attr' +
    ' wchan stack schedstat cpuset cgroup oom_score oom_adj oom_score_adj loginuid sessionid io uid_map' +
    ' gid_map projid_map setgroups arch_status ksm_merging_pages ksm_stat';
  assert.is(task.readdir('/proc/self').join(' '), process);
  assert.is(task.readdir(`/proc/self/task/${task.tid}`).join(' '), thread);
  assert.is(task.readText('/proc/self/arch_status'), '');
});

test('/proc/vmstat counts pages as /proc/meminfo counts kB', () => {
  const task = machine.spawn();
  const at = task.mmap({ length: 40960 });
  for (let page = 0; page < 10; page++) task.store8(Number(at) + page * 4096, 1);
  const vmstat = task.readText('/proc/vmstat');
  const meminfo = task.readText('/proc/meminfo');
  const pages = (name: string): number =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(vmstat)?.[1]);
  const kb = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1]);
  const pairs = [
    ['nr_free_pages', 'MemFree'],
    ['nr_anon_pages', 'AnonPages'],
    ['nr_mapped', 'Mapped'],
    ['nr_shmem', 'Shmem'],
    ['nr_page_table_pages', 'PageTables'],
    ['nr_slab_unreclaimable', 'SUnreclaim'],
  ] as const;
  for (const [counter, label] of pairs) assert.is(pages(counter) * 4, kb(label), counter);
  assert.ok(pages('nr_anon_pages') >= 10);
});

test.run();
