import { PAGE_SIZE } from '../../assembly/abi/page.js';
import {
  all,
  ARGS,
  FREE,
  FRESH,
  none,
  page,
  PRIVATE,
  row,
  type Scene,
  SHARED,
  type Step,
  store,
} from './exhaustion-scene.js';

const ENOMEM = ['ENOMEM'];
const P = PAGE_SIZE;

/** Sixty-four mappings that do not merge: more than a page of the kernel's objects holds. */
function many(name: string, flags: number, prot = 3): Step {
  return {
    name: `mmap of many: ${name}`,
    fails: ENOMEM,
    prepare: (scene) => {
      return all(
        ...Array.from({ length: 64 }, (_, i) => () => {
          return scene.call('mmap', FREE + 2 * i * P, P, prot, flags | 0x10, -1n, 0);
        }),
      );
    },
  };
}

function ofFile(name: string, flags: number, then: (scene: Scene) => number | bigint): Step {
  return {
    name,
    fails: ENOMEM,
    prepare: (scene) => {
      const fd = scene.memfd(8 * P);
      return all(
        () => scene.call('mmap', FREE, 8 * P, 3, flags, fd, 0),
        () => then(scene),
      );
    },
  };
}

const ADVICES: [name: string, advice: number][] = [
  ['RANDOM', 1],
  ['SEQUENTIAL', 2],
  ['DONTFORK', 10],
  ['MERGEABLE', 12],
  ['NOHUGEPAGE', 15],
  ['HUGEPAGE', 14],
  ['DONTDUMP', 16],
  ['WIPEONFORK', 18],
];

/** Calls about mappings. */
export const MAPPING_CALLS: readonly Step[] = [
  many('private', 0x22),
  many('NORESERVE', 0x4022),
  many('GROWSDOWN', 0x122),
  many('DROPPABLE', 0x28),
  many('shared', 0x21),
  many('LOCKED', 0x2022),
  many('POPULATE', 0x8022),
  many('unreadable', 0x22, 0),
  row('mmap over the middle of another', ENOMEM, 'mmap', page(5), P, 1, 0x32, -1n, 0),
  row('mmap of shared memory', ENOMEM, 'mmap', 0, 4 * P, 3, 0x21, -1n, 0),
  ofFile('a private mapping of a file, stored to', 0x12, (scene) => store(scene, FREE, 2 * P)),
  ofFile('a shared mapping of a file, stored to', 0x11, (scene) => store(scene, FREE, 2 * P)),
  ofFile('a shared mapping of a file, loaded from', 0x11, (scene) => scene.task.load8(FREE)),
  row('munmap of the middle', ENOMEM, 'munmap', page(5), P),
  row('mprotect of the middle', ENOMEM, 'mprotect', page(5), P, 1),
  row('pkey_mprotect of the middle', ENOMEM, 'pkey_mprotect', page(5), P, 1, -1n),
  row('mremap that shrinks', ENOMEM, 'mremap', PRIVATE, 16 * P, 4 * P, 0, 0),
  none('mremap that grows in place', 'mremap', PRIVATE, 16 * P, 32 * P, 0, 0),
  row('mremap that moves to grow', ENOMEM, 'mremap', PRIVATE, 2 * P, 600 * P, 1, 0),
  row('mremap with FIXED', ENOMEM, 'mremap', PRIVATE, 2 * P, 2 * P, 3, FREE),
  row('mremap with DONTUNMAP', ENOMEM, 'mremap', PRIVATE, 16 * P, 16 * P, 7, FREE),
  row('mremap that duplicates', ENOMEM, 'mremap', SHARED, 0, 8 * P, 3, FREE),
  {
    name: 'mremap of several mappings',
    fails: ENOMEM,
    prepare: (scene) => {
      scene.call('mprotect', page(1), P, 1);
      return () => scene.call('mremap', PRIVATE, 3 * P, 3 * P, 3, FREE);
    },
  },
  {
    name: 'remap_file_pages',
    fails: ENOMEM,
    prepare: (scene) => () => scene.call('remap_file_pages', SHARED + 2 * P, P, 0, 5, 0),
  },
  ...ADVICES.map(([name, advice]) => {
    return row(`madvise ${name} of a part`, ['EAGAIN'], 'madvise', page(5), P, advice);
  }),
  row('madvise POPULATE_READ of shared memory', ENOMEM, 'madvise', SHARED, 8 * P, 22),
  row('madvise POPULATE_WRITE', ENOMEM, 'madvise', PRIVATE, 16 * P, 23),
  row('madvise GUARD_INSTALL', ENOMEM, 'madvise', FRESH, 16 * P, 102),
  none('madvise DONTNEED', 'madvise', page(1), P, 4),
  none('madvise FREE', 'madvise', page(1), P, 8),
  none('madvise REMOVE', 'madvise', SHARED, 2 * P, 9),
  none('madvise COLD', 'madvise', PRIVATE, 16 * P, 20),
  none('madvise PAGEOUT', 'madvise', PRIVATE, 16 * P, 21),
  none('madvise WILLNEED', 'madvise', SHARED, 8 * P, 3),
  row('mlock', ['EAGAIN', 'ENOMEM'], 'mlock', page(1), 6 * P),
  row('mlock2 with ONFAULT of a part', ENOMEM, 'mlock2', page(5), P, 1),
  {
    name: 'munlock of a part',
    fails: ENOMEM,
    prepare: (scene) => {
      scene.call('mlock', PRIVATE, 16 * P);
      return () => scene.call('munlock', page(5), P);
    },
  },
  none('mlockall', 'mlockall', 1),
  none('mlockall of what comes', 'mlockall', 2),
  row('mseal of a part', ENOMEM, 'mseal', page(5), P, 0),
  row('mincore', ENOMEM, 'mincore', PRIVATE, 16 * P, ARGS),
  none('msync', 'msync', SHARED, 8 * P, 4),
  {
    name: 'brk, and a store to the new heap',
    fails: ['ENOMEM'],
    prepare: (scene) => {
      const { mm } = scene.task.struct;
      if (mm === null) throw new TypeError('no memory');
      mm.startBrk = mm.brk = FREE;
      return all(
        () => (Number(scene.call('brk', FREE + 4 * P)) === FREE + 4 * P ? 0 : -12),
        () => store(scene, FREE, 4 * P),
      );
    },
  },
];
