import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { addressNear, type Area } from './addresses.js';
import type { Generator } from './generator.js';
import { openMemFiles } from './memfiles.js';
import { remoteCopy } from './process-vm.js';
import { transfer, type Transfers } from './transfers.js';
import { mapZone, type Zone } from './zone.js';

const FIRST = 0x100000000000;
const ZONE = 0x180000000000;
/** Where sealed memory lies. */
const SEALED = 0x190000000000;
/** Bytes from one round's mappings to the next. */
const STRIDE = 0x1000000;
/** Where watched memory lies. */
const WATCHED = 0x1a0000000000;
const IPC_PRIVATE = 0;
const SHM_RDONLY = 0o10000;
const SHM_REMAP = 0o40000;
const IPC_RMID = 0;
const UFFD_USER_MODE_ONLY = 1;
const UFFDIO_API = 0xc018aa3f;
const UFFDIO_REGISTER = 0xc020aa00;

type Mapper = (s: Scenario, start: number) => Area;

/** A CPU access to an area that userfaultfd watches would block: only others try it. */
function isWatched({ start }: Area): boolean {
  return start >= WATCHED;
}

/** Guard pages, memfd_secret, memfds sealed before and after they are mapped, /dev/zero. */
export const special = generatorOf('special', [mapGuarded, mapSecret, mapFutureSealed, mapZero]);

/** Memory of calls that few programs make: mseal, SysV segments. */
export const exotic = generatorOf('exotic', [mapSealed, mapSysV, mapGuarded]);

/** Memory that userfaultfd watches. */
export const watched = generatorOf('watched', [mapWatched, mapGuarded]);

function generatorOf(name: string, mappers: readonly Mapper[]): Generator {
  return {
    name,
    tasks: ['A', 'B'],
    run(s, steps) {
      const zones = { A: mapZone(s, 'A', ZONE), B: mapZone(s, 'B', ZONE + 0x100000) };
      for (let round = 0; s.steps.length < steps; round++) {
        const areas = mappers.map((map, i) => map(s, FIRST + round * STRIDE + i * 0x100000));
        playRound(s, areas, zones);
        s.call('A', 'munmap', [hex(FIRST), hex(ZONE - FIRST)]);
      }
    },
  };
}

function playRound(
  s: Scenario,
  areas: readonly Area[],
  zones: { readonly A: Zone; readonly B: Zone },
): void {
  const task = s.rng.pick(['A', 'B'] as const);
  const fds = openMemFiles(s, task, 'A', 2);
  const transfers = { task, fds, areas, zone: zones[task] };
  for (let left = s.rng.between(40, 90); left > 0; left--) act(s, transfers);
  s.maps('A');
  for (const fd of new Set(fds)) s.call(task, 'close', [{ ref: fd }]);
}

function act(s: Scenario, t: Transfers): void {
  const { task, areas, zone } = t;
  const at = addressNear(
    s.rng,
    areas.filter((area) => !isWatched(area)),
  );
  s.rng.weighted<() => void>([
    [8, () => transfer(s, t)],
    [4, () => remoteCopy(s, { task, pid: { ref: 'A.pid' }, areas, zone })],
    [3, () => s.peek('A', at, s.rng.pick([1, 4]))],
    [2, () => s.poke('A', at, s.rng.hexBytes(2))],
    [2, () => guard(s, areas)],
    [1, () => s.call('A', 'mprotect', [hex(at - (at % PAGE)), PAGE, s.rng.int(8)])],
  ])();
}

/** Guard pages installed and removed again. */
function guard(s: Scenario, areas: readonly Area[]): void {
  const at = addressNear(s.rng, areas);
  const advice = s.rng.pick([
    abi.MADV_GUARD_INSTALL,
    abi.MADV_GUARD_INSTALL,
    abi.MADV_GUARD_REMOVE,
    abi.MADV_DONTNEED,
  ]);
  s.call('A', 'madvise', [hex(at - (at % PAGE)), PAGE * s.rng.between(1, 2), advice]);
}

function anonymous(s: Scenario, start: number, pages: number): Area {
  s.call('A', 'mmap', [
    hex(start),
    pages * PAGE,
    3,
    abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_FIXED,
    -1,
    0,
  ]);
  for (let page = 0; page < pages; page++) s.poke('A', start + page * PAGE + 16, s.rng.hexBytes(2));
  return { start, end: start + pages * PAGE };
}

function mapFd(s: Scenario, start: number, prot: number, sharing: number, fd: Arg): Area {
  s.call('A', 'mmap', [hex(start), 2 * PAGE, prot, sharing | abi.MAP_FIXED, fd, 0]);
  return { start, end: start + 2 * PAGE };
}

function mapGuarded(s: Scenario, start: number): Area {
  const area = anonymous(s, start, 4);
  s.call('A', 'madvise', [hex(start + PAGE), PAGE, abi.MADV_GUARD_INSTALL]);
  return area;
}

/** memfd_secret: the owner's alone. */
function mapSecret(s: Scenario, start: number): Area {
  const fd = s.fresh('secret');
  s.bind(fd, 'A', 'memfd_secret', [0]);
  s.call('A', 'ftruncate', [{ ref: fd }, 2 * PAGE]);
  const area = mapFd(s, start, 3, abi.MAP_SHARED, { ref: fd });
  s.poke('A', start, s.rng.hexBytes(4));
  return area;
}

/** mseal: forced writes do not mind it. It cannot be undone, so it stays when the round ends. */
function mapSealed(s: Scenario, start: number): Area {
  const place = SEALED + (start - FIRST);
  const area = anonymous(s, place, 2);
  s.call('A', 'mprotect', [hex(place), 2 * PAGE, s.rng.pick([0, 1, 3])]);
  s.call('A', 'mseal', [hex(place), 2 * PAGE, s.rng.chance(0.1) ? 1 : 0]);
  s.call('A', s.rng.pick(['munmap', 'mprotect']), [hex(place), PAGE, 3]);
  return area;
}

/** A SysV segment, attached to read or to write. */
function mapSysV(s: Scenario, start: number): Area {
  const id = s.fresh('shm');
  s.bind(id, 'A', 'shmget', [IPC_PRIVATE, 2 * PAGE, 0o600]);
  const flags = s.rng.pick([0, SHM_RDONLY]) | SHM_REMAP;
  s.call('A', 'shmat', [{ ref: id }, hex(start), flags]);
  s.call('A', 'shmctl', [{ ref: id }, IPC_RMID, 0]);
  return { start, end: start + 2 * PAGE };
}

/** Pages that userfaultfd watches: nobody fills them, so what others try fails. */
function mapWatched(s: Scenario, start: number): Area {
  const place = WATCHED + (start - FIRST);
  const area = { start: place, end: place + 2 * PAGE };
  s.call('A', 'mmap', [
    hex(place),
    2 * PAGE,
    3,
    abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_FIXED,
    -1,
    0,
  ]);
  const fd = s.fresh('uffd');
  if (!s.bind(fd, 'A', 'userfaultfd', [UFFD_USER_MODE_ONLY]).ok) return area;
  s.call('A', 'ioctl', [{ ref: fd }, UFFDIO_API, { in: words(0xaan, 0n, 0n) }]);
  s.call('A', 'ioctl', [
    { ref: fd },
    UFFDIO_REGISTER,
    { in: words(BigInt(place), BigInt(2 * PAGE), 1n, 0n) },
  ]);
  return area;
}

/** A shared mapping made before its memfd was sealed against future writes, or after. */
function mapFutureSealed(s: Scenario, start: number): Area {
  const fd = s.fresh('sealed');
  s.bind(fd, 'A', 'memfd_create', [{ str: 'sealed' }, abi.MFD_ALLOW_SEALING]);
  s.call('A', 'ftruncate', [{ ref: fd }, 2 * PAGE]);
  s.call('A', 'pwrite64', [{ ref: fd }, { in: s.rng.hexBytes(6) }, 6, PAGE - 3]);
  const early = s.rng.chance(0.5);
  if (early) mapFd(s, start, 3, abi.MAP_SHARED, { ref: fd });
  const seal = s.rng.pick([
    abi.F_SEAL_FUTURE_WRITE,
    abi.F_SEAL_WRITE,
    abi.F_SEAL_SEAL,
    abi.F_SEAL_GROW,
  ]);
  s.call('A', 'fcntl', [{ ref: fd }, abi.F_ADD_SEALS, seal]);
  s.call('A', 'fcntl', [{ ref: fd }, abi.F_GET_SEALS]);
  s.call('A', 'pwrite64', [{ ref: fd }, { in: '11' }, 1, s.rng.pick([0, 2 * PAGE])]);
  if (!early)
    mapFd(s, start, s.rng.pick([1, 3]), s.rng.pick([abi.MAP_SHARED, abi.MAP_PRIVATE]), { ref: fd });
  return { start, end: start + 2 * PAGE };
}

/** /dev/zero, shared or private. */
function mapZero(s: Scenario, start: number): Area {
  const fd = s.fresh('zero');
  s.bind(fd, 'A', 'openat', [abi.AT_FDCWD, { str: '/dev/zero' }, abi.O_RDWR]);
  const sharing = s.rng.pick([abi.MAP_SHARED, abi.MAP_PRIVATE]);
  const area = mapFd(s, start, s.rng.pick([1, 3]), sharing, { ref: fd });
  s.call('A', 'close', [{ ref: fd }]);
  return area;
}

/** 64-bit words as hex. */
function words(...values: readonly bigint[]): string {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => bytes.writeBigUInt64LE(value, 8 * i));
  return bytes.toString('hex');
}
