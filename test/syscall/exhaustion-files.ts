import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { all, FREE, FRESH, none, PRIVATE, row, type Step, store } from './exhaustion-scene.js';

const ENOMEM = ['ENOMEM'];
const P = PAGE_SIZE;
const IPC_RMID = 0;
const SHM_REMAP = 0o40000;

/** Calls about files, and what copies to and from memory. */
export const FILE_CALLS: readonly Step[] = [
  {
    name: 'write to a file in memory',
    fails: ['ENOMEM', P, 2 * P],
    prepare: (scene) => {
      const fd = scene.memfd();
      return () => {
        scene.call('lseek', fd, 0, 0);
        return scene.call('write', fd, PRIVATE, 3 * P);
      };
    },
  },
  {
    name: 'fallocate',
    fails: ENOMEM,
    prepare: (scene) => {
      const fd = scene.memfd();
      return () => scene.call('fallocate', fd, 0, 2n ** 40n, 4 * P);
    },
  },
  {
    name: 'fallocate of a hole in the middle of pages',
    fails: [],
    prepare: (scene) => {
      const fd = scene.memfd();
      scene.call('write', fd, PRIVATE, 3 * P);
      return () => scene.call('fallocate', fd, 3, 100, 2 * P);
    },
  },
  {
    name: 'ftruncate',
    fails: [],
    prepare: (scene) => {
      const fd = scene.memfd();
      scene.call('write', fd, PRIVATE, 3 * P);
      return all(
        () => scene.call('ftruncate', fd, 100),
        () => scene.call('ftruncate', fd, 2 ** 40),
      );
    },
  },
  {
    name: 'memfd_create',
    fails: ENOMEM,
    prepare: (scene) => {
      const name = scene.put('another');
      return () => scene.call('memfd_create', name, 0);
    },
  },
  {
    name: 'memfd_secret, mapped and stored to',
    fails: ENOMEM,
    prepare: (scene) => {
      const fd = Number(scene.call('memfd_secret', 0));
      scene.call('ftruncate', fd, 4 * P);
      return all(
        () => scene.call('mmap', FREE, 4 * P, 3, 0x11, fd, 0),
        () => store(scene, FREE, 4 * P),
      );
    },
  },
  {
    name: 'read into untouched memory',
    fails: ['ENOMEM', 'EFAULT', P, 2 * P],
    prepare: (scene) => {
      const fd = scene.memfd();
      scene.call('write', fd, PRIVATE, 3 * P);
      return () => scene.call('pread64', fd, FRESH, 3 * P, 0);
    },
  },
  {
    name: 'copies from file to file',
    fails: ['ENOMEM', P, 2 * P],
    prepare: (scene) => {
      const from = scene.memfd();
      const to = scene.memfd();
      scene.call('write', from, PRIVATE, 3 * P);
      return () => {
        scene.call('lseek', from, 0, 0);
        scene.call('lseek', to, 0, 0);
        return scene.call('sendfile', to, from, 0, 3 * P);
      };
    },
  },
  {
    name: 'shmget',
    fails: ENOMEM,
    prepare: (scene) => () => {
      const id = scene.call('shmget', 0, 4 * P, 0o1600);
      scene.atEnd(() => scene.call('shmctl', id, IPC_RMID, 0));
      return id;
    },
  },
  {
    name: 'shmat and a store',
    fails: ENOMEM,
    prepare: (scene) => {
      const id = scene.call('shmget', 0, 4 * P, 0o1600);
      scene.atEnd(() => scene.call('shmctl', id, IPC_RMID, 0));
      return all(
        () => scene.call('shmat', id, FREE, SHM_REMAP),
        () => store(scene, FREE, 4 * P),
      );
    },
  },
  {
    name: 'reading mem into untouched memory',
    fails: ['ENOMEM', 'EFAULT', P, 2 * P],
    prepare: (scene) => {
      const { pid } = scene.other;
      const fd = scene.call('open', scene.put(`/proc/${pid}/mem`), 2, 0);
      return () => scene.call('pread64', fd, FRESH, 3 * P, PRIVATE);
    },
  },
  {
    name: 'writing mem where nobody has touched',
    fails: ['ENOMEM', 'EIO', P, 2 * P],
    prepare: (scene) => {
      const { pid } = scene.other;
      const fd = scene.call('open', scene.put(`/proc/${pid}/mem`), 2, 0);
      return () => scene.call('pwrite64', fd, PRIVATE, 3 * P, FRESH);
    },
  },
  {
    name: 'writing mem of read-only shared pages after a fork',
    fails: ['ENOMEM', 'EIO', P],
    prepare: (scene) => {
      const child = scene.other.fork();
      child.mprotect(PRIVATE, 16 * P, 1);
      const fd = scene.call('open', scene.put(`/proc/${child.pid}/mem`), 2, 0);
      return () => scene.call('pwrite64', fd, PRIVATE, 2 * P, PRIVATE);
    },
  },
  {
    name: 'PAGEMAP_SCAN into untouched memory',
    fails: ['ENOMEM', 'EFAULT'],
    prepare: (scene) => {
      const fd = scene.call('open', scene.put('/proc/self/pagemap'), 0, 0);
      const end = PRIVATE + 16 * P;
      // struct pm_scan_arg: size, flags, start, end, walk_end, vec, vec_len, max_pages, four masks.
      const arg = scene.words(96, 0, PRIVATE, end, 0, FRESH, 8, 0, 0, 8, 0, 8);
      return () => scene.call('ioctl', fd, 0xc0606610n, arg);
    },
  },
  {
    name: 'reading maps into untouched memory',
    fails: ['ENOMEM', 'EFAULT'],
    prepare: (scene) => {
      const fd = scene.call('open', scene.put('/proc/self/maps'), 0, 0);
      return () => scene.call('pread64', fd, FRESH, 100, 0);
    },
  },
];

/** Calls about processes. */
export const PROCESS_CALLS: readonly Step[] = [
  row('fork', ENOMEM, 'fork'),
  none('vfork', 'vfork'),
  none('clone of a thread', 'clone', 0x10f00, 0, 0, 0, 0),
  row('clone', ENOMEM, 'clone', 17, 0, 0, 0, 0),
  {
    name: 'clone3',
    fails: ENOMEM,
    prepare: (scene) => {
      const args = scene.words(0, 0, 0, 0, 17, 0, 0, 0);
      return () => scene.call('clone3', args, 64);
    },
  },
  {
    name: 'a store after a fork',
    fails: ENOMEM,
    prepare: (scene) => {
      const child = scene.task.fork();
      return () => {
        child.store(PRIVATE, new Uint8Array(3 * P).fill(6));
        return 0;
      };
    },
  },
  {
    name: 'exec',
    fails: ENOMEM,
    prepare: (scene) => {
      return () => {
        scene.task.exec('/bin/program', ['program', 'x'.repeat(3 * P)], ['A=b']);
        return 0;
      };
    },
  },
  {
    name: 'a store that grows a stack',
    fails: ENOMEM,
    prepare: (scene) => {
      scene.call('mmap', FREE + 64 * P, 4 * P, 3, 0x132, -1n, 0);
      return () => store(scene, FREE + 60 * P, 8);
    },
  },
  {
    name: 'process_vm_readv into untouched memory',
    fails: ['ENOMEM', 'EFAULT', P, 2 * P],
    prepare: (scene) => {
      const local = scene.words(FRESH, 3 * P);
      const remote = scene.words(PRIVATE, 3 * P);
      return () => scene.call('process_vm_readv', scene.other.pid, local, 1, remote, 1, 0);
    },
  },
  {
    name: 'process_vm_writev to untouched memory',
    fails: ['ENOMEM', 'EFAULT', P, 2 * P],
    prepare: (scene) => {
      const local = scene.words(PRIVATE, 3 * P);
      const remote = scene.words(FRESH, 3 * P);
      return () => scene.call('process_vm_writev', scene.other.pid, local, 1, remote, 1, 0);
    },
  },
  {
    name: 'PTRACE_POKEDATA',
    fails: ['ENOMEM', 'EIO'],
    prepare: (scene) => {
      const { pid } = scene.other;
      scene.call('ptrace', 0x4206, pid, 0, 0);
      scene.call('ptrace', 0x4207, pid, 0, 0);
      return () => scene.call('ptrace', 5, pid, FRESH, 1);
    },
  },
  {
    name: 'process_madvise',
    fails: [],
    prepare: (scene) => {
      const fd = scene.call('pidfd_open', scene.other.pid, 0);
      const iov = scene.words(PRIVATE, 16 * P);
      return () => scene.call('process_madvise', fd, iov, 1, 21, 0);
    },
  },
];
