import * as abi from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';

/** Lines for uid_map and gid_map, the malformed included. */
const MAPS = [
  '0 0 1',
  '0 1000 1',
  '1000 1000 1',
  '0 1001 1',
  '0 0 65536',
  '0 0 4294967295',
  '0 100000 65536',
  '0 0 1\n1000 1000 2\n',
  '0 0 1000\n1000 1000 500\n',
  '0 1000 1\n1000 0 1\n',
  '0 0 10\n5 100 10\n',
  '0 0 10\n20 5 10\n',
  '0 0 0',
  '0 0',
  '',
  '\n',
  'a b c',
  '0 0 1 1',
  '0 4294967295 1',
  '4294967295 0 1',
  '0 4294967290 10',
  ' 0\t0  1 ',
  '+0 0 1',
  '0x0 0 1',
];

/** A namespace change or a write of an id map, by `actor`, about `target`. */
export function changeNamespace(s: Scenario, actor: string, target: string): void {
  s.rng.weighted<(s: Scenario, actor: string, target: string) => void>([
    [
      2,
      (s, actor) =>
        void s.call(actor, 'unshare', [s.rng.pick([abi.CLONE_NEWUSER, abi.CLONE_NEWUSER, 0, 4])]),
    ],
    [5, writeMap],
    [2, writeSetgroups],
    [2, readMap],
    [2, joinNamespace],
  ])(s, actor, target);
}

/** What a rootless container does: a namespace of one's own with the own ids as root. */
export function becomeNamespaceRoot(s: Scenario, task: string, uid: number, gid: number): void {
  s.call(task, 'unshare', [abi.CLONE_NEWUSER]);
  writeFile(s, task, '/proc/self/setgroups', 'deny');
  writeFile(s, task, '/proc/self/uid_map', `0 ${uid} 1`);
  writeFile(s, task, '/proc/self/gid_map', `0 ${gid} 1\n`);
}

/** Opens a file, writes it whole, and closes it. */
export function writeFile(s: Scenario, task: string, path: string, text: string): void {
  const fd = s.fresh('fd');
  if (!s.bind(fd, task, 'openat', [abi.AT_FDCWD, { str: path }, abi.O_WRONLY]).ok) return;
  s.call(task, 'write', [{ ref: fd }, { in: Buffer.from(text).toString('hex') }, text.length]);
  s.call(task, 'close', [{ ref: fd }]);
}

function pathOf(rng: Rng, actor: string, target: string, name: string): string {
  return actor === target && rng.chance(0.5)
    ? `/proc/self/${name}`
    : `/proc/\${${target}.pid}/${name}`;
}

function writeMap(s: Scenario, actor: string, target: string): void {
  const path = pathOf(s.rng, actor, target, s.rng.pick(['uid_map', 'uid_map', 'gid_map']));
  writeFile(s, actor, path, s.rng.pick(MAPS));
}

function writeSetgroups(s: Scenario, actor: string, target: string): void {
  const text = s.rng.pick([
    'deny',
    'deny',
    'deny\n',
    'allow',
    'allow\n',
    '',
    'denyx',
    'no',
    'deny  ',
  ]);
  writeFile(s, actor, pathOf(s.rng, actor, target, 'setgroups'), text);
}

function readMap(s: Scenario, actor: string, target: string): void {
  const fd = s.fresh('fd');
  const path = pathOf(s.rng, actor, target, s.rng.pick(['uid_map', 'gid_map', 'setgroups']));
  if (!s.bind(fd, actor, 'openat', [abi.AT_FDCWD, { str: path }, abi.O_RDONLY]).ok) return;
  s.call(actor, 'read', [{ ref: fd }, { out: 100 }, 100]);
  s.call(actor, 'close', [{ ref: fd }]);
}

function joinNamespace(s: Scenario, actor: string, target: string): void {
  const fd = s.fresh('ns');
  const path = { str: pathOf(s.rng, actor, target, 'ns/user') };
  if (!s.bind(fd, actor, 'openat', [abi.AT_FDCWD, path, abi.O_RDONLY]).ok) return;
  s.call(actor, 'setns', [
    { ref: fd },
    s.rng.pick([abi.CLONE_NEWUSER, abi.CLONE_NEWUSER, 0, 0x40000000]),
  ]);
  s.call(actor, 'close', [{ ref: fd }]);
}
