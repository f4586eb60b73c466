import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { O_CREAT, O_RDONLY, O_RDWR, O_WRONLY } from '../../src/vfs/flags.js';
import { ksysLseek, ksysPwrite64 } from '../../src/vfs/read-write.js';
import { mkdirat } from '../../src/vfs/namei-modify.js';
import { boot, host, open, outcome } from './fixture.js';

/** Offset and whence of each column of the table. */
const COLUMNS: readonly (readonly [bigint, number])[] = [
  [5n, 0],
  [2n ** 31n - 1n, 0],
  [2n ** 31n, 0],
  [2n ** 62n, 0],
  [-1n, 0],
  [0n, 2],
  [3n, 2],
  [0n, 3],
  [0n, 4],
  [2n ** 62n, 2],
  [-1n, 3],
  [-1n, 4],
];

const GENERIC = [
  5,
  2 ** 31 - 1,
  'EINVAL',
  'EINVAL',
  'EINVAL',
  0,
  3,
  'ENXIO',
  'ENXIO',
  'EINVAL',
  'ENXIO',
  'ENXIO',
];
const SEQ = [5, 2 ** 31 - 1, 2 ** 31, 2n ** 62n, ...Array.from({ length: 8 }, () => 'EINVAL')];
const NONE = Array.from(COLUMNS, () => 0);

/** Answers of a real kernel. */
const ROWS: readonly (readonly [string, readonly (string | number | bigint)[]])[] = [
  ['/proc', GENERIC],
  ['/proc/self', GENERIC],
  ['/proc/self/fd', GENERIC],
  ['/proc/self/task', GENERIC],
  ['/proc/self/map_files', GENERIC],
  ['/proc/self/cmdline', GENERIC],
  ['/proc/self/loginuid', GENERIC],
  ['/proc/self/coredump_filter', GENERIC],
  ['/proc/self/attr/current', GENERIC],
  ['/proc/self/maps', SEQ],
  ['/proc/self/comm', SEQ],
  ['/proc/self/status', SEQ],
  ['/proc/self/uid_map', SEQ],
  ['/dev/shm/dd', SEQ],
  [
    '/proc/self/oom_score_adj',
    [...SEQ.slice(0, 5), 0, 3, 'ENXIO', 'ENXIO', 2n ** 62n, 'EINVAL', 0],
  ],
  ['/proc/self/clear_refs', NONE],
  ['/dev/null', NONE],
  ['/dev/urandom', NONE],
  ['/proc/self/ns/user', Array.from(COLUMNS, () => 'ESPIPE')],
];

const test = suite('vfs/llseek');

for (const [path, expected] of ROWS) {
  test(`${path} seeks as on Linux`, () => {
    const task = boot().spawn();
    mkdirat(task, -100, '/dev/shm/dd', 0o755);
    const fd = open(task, path, path.endsWith('clear_refs') ? O_WRONLY : O_RDONLY) as number;
    const results = COLUMNS.map(([offset, whence]) =>
      outcome(() => ksysLseek(task, fd, BigInt.asUintN(64, offset), whence)),
    );
    assert.equal(results, expected);
  });
}

test('data and holes of a file in memory are pages', () => {
  const task = boot().spawn();
  const fd = open(task, '/tmp/f', O_CREAT | O_RDWR) as number;
  ksysPwrite64(task, fd, host(10), 4096);
  ksysPwrite64(task, fd, host(10), 5 * 4096);
  const rows: [number, number, number | string][] = [
    [0, 3, 4096],
    [4100, 3, 4100],
    [8192, 3, 5 * 4096],
    [0, 4, 0],
    [4096, 4, 8192],
    [5 * 4096 + 1, 4, 5 * 4096 + 10],
    [5 * 4096 + 10, 3, 'ENXIO'],
    [5 * 4096 + 10, 4, 'ENXIO'],
  ];
  for (const [offset, whence, expected] of rows) {
    assert.is(
      outcome(() => ksysLseek(task, fd, offset, whence)),
      expected,
      `${offset} ${whence}`,
    );
  }
  ksysPwrite64(task, fd, host(1), 2n ** 60n);
  assert.is(ksysLseek(task, fd, 2n ** 40n, 3), 2n ** 60n);
});

test.run();
