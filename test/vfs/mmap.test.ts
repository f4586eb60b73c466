import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_SYNC,
} from '../../assembly/abi/mman.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import * as fl from '../../src/vfs/flags.js';
import { mapFileChecked } from '../../src/vfs/mmap.js';
import { doPipe2 } from '../../src/vfs/pipe.js';
import { boot, open, outcome } from './fixture.js';

const test = suite('vfs/mmap');

test('a file checks a mapping in the order of do_mmap() (K-502)', () => {
  const { spawn, vfs } = boot();
  const task = spawn();
  vfs.addFile('/tmp/t', new Uint8Array(1));
  const [pipe] = doPipe2(task, 0);
  const rows: [string | number, number, number, number, string][] = [
    ['/proc/self/mem', fl.O_RDWR, 3, MAP_SHARED, 'ENODEV'],
    ['/proc/self/maps', fl.O_RDONLY, 1, MAP_SHARED, 'ENODEV'],
    ['/proc/self/maps', fl.O_RDONLY, 3, MAP_SHARED, 'EACCES'],
    [pipe, 0, 3, MAP_SHARED, 'EACCES'],
    [pipe, 0, 1, MAP_SHARED, 'ENODEV'],
    ['/tmp', fl.O_RDONLY, 3, MAP_PRIVATE, 'ENODEV'],
    ['/dev/null', fl.O_RDWR, 3, MAP_PRIVATE, 'ENODEV'],
    ['/dev/urandom', fl.O_RDWR, 3, MAP_PRIVATE, 'ENODEV'],
    ['/tmp/t', fl.O_WRONLY, 0, MAP_PRIVATE, 'EACCES'],
    ['/tmp/t', fl.O_WRONLY, 3, MAP_SHARED, 'EACCES'],
    ['/tmp/t', fl.O_RDONLY, 3, MAP_SHARED, 'EACCES'],
    ['/tmp/t', fl.O_RDONLY, 3, MAP_PRIVATE, 'ok'],
    ['/tmp/t', fl.O_RDWR, 3, MAP_SHARED, 'ok'],
    ['/tmp/t', fl.O_RDWR, 3, MAP_SHARED_VALIDATE | MAP_SYNC, 'EOPNOTSUPP'],
    ['/tmp/t', fl.O_RDWR, 3, MAP_SHARED | MAP_SYNC, 'ok'],
    ['/tmp/t', fl.O_RDWR, 3, MAP_PRIVATE | MAP_GROWSDOWN, 'EINVAL'],
    ['/tmp/t', fl.O_RDWR, 3, 0, 'EINVAL'],
    ['/dev/zero', fl.O_RDWR, 3, MAP_PRIVATE, 'ok'],
    ['/dev/zero', fl.O_RDWR, 3, MAP_SHARED, 'ok'],
  ];
  for (const [path, openFlags, prot, flags, expected] of rows) {
    const fd = typeof path === 'number' ? path : (open(task, path, openFlags) as number);
    const check = () => {
      mapFileChecked(task, filesOf(task).get(fd), { prot, flags, length: 4096 });
      return 'ok';
    };
    assert.is(outcome(check), expected, `${path} ${prot} ${flags}`);
  }
});

test('/dev/zero maps as anonymous memory, or shared as a file of its own (K-148)', () => {
  const { spawn } = boot();
  const task = spawn();
  const file = filesOf(task).get(open(task, '/dev/zero', fl.O_RDWR) as number);
  const mapped = (flags: number) => mapFileChecked(task, file, { prot: 3, flags, length: 5000 });
  const own = mapped(MAP_PRIVATE).file;
  assert.is(own, file);
  assert.is(own.mapping, null);
  const shared = mapped(MAP_SHARED).file;
  assert.is.not(shared, file);
  assert.is(shared.mapping?.size, 8192);
});

test.run();
