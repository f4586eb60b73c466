import { suite } from 'uvu';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';
import { Guest } from '../syscall/guest.js';

const PROGRAM = 'procmap-query';
const ARENA = 0x100000000000;
const PAGE = 4096;
const QUERY = 0xc0686611;
const MAP_SHARED_FIXED = 0x11;
const MAP_PRIVATE_FIXED = 0x12;
const MAP_ANONYMOUS = 0x20;

/** The fields of struct procmap_query that the questions set. */
interface Query {
  readonly size?: number;
  readonly flags?: number;
  readonly nameSize?: number;
  readonly idSize?: number;
  /** 0 for no place, or a bad one; else the place the program has. */
  readonly name?: number;
  readonly id?: number;
}

/** An executable of one program header, whose note is the build id 0123456789abcdef. */
function programWithBuildId(): Uint8Array {
  const bytes = new Uint8Array(0x1000);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 3, true);
  view.setUint32(32, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 4, true);
  view.setUint32(64 + 8, 0x200, true);
  view.setUint32(64 + 32, 24, true);
  for (const [i, word] of [4, 8, 3, 0x554e47, 0x67452301, 0xefcdab89].entries())
    view.setUint32(0x200 + i * 4, word, true);
  return bytes;
}

/** The task of the program, and where it keeps its question and the answers. */
class Asker {
  private readonly guest: Guest;
  private readonly query: number;
  private readonly name: number;
  private readonly id: number;

  constructor(guest: Guest) {
    this.guest = guest;
    this.build();
    this.query = guest.buffer(104);
    this.name = guest.buffer(4096);
    this.id = guest.buffer(64);
  }

  private build(): void {
    const { guest } = this;
    const fd = guest.call('memfd_create', 'my\nfd', 0);
    guest.call('ftruncate', fd, 16 * PAGE);
    guest.machine.addFile('/bin/program', programWithBuildId(), 0o755);
    const self = guest.call('open', '/bin/program', 0);
    const anon = MAP_PRIVATE_FIXED | MAP_ANONYMOUS;
    guest.call('mmap', ARENA, PAGE, 3, anon, -1, 0);
    guest.call('mmap', ARENA + 0x10000, PAGE, 1, MAP_SHARED_FIXED, fd, PAGE);
    guest.call('mmap', ARENA + 0x20000, PAGE, 5, MAP_PRIVATE_FIXED, fd, 2 * PAGE);
    guest.call('mmap', ARENA + 0x30000, PAGE, 1, MAP_PRIVATE_FIXED, self, 0);
    guest.call('mmap', ARENA + 0x40000, PAGE, 1, anon, -1, 0);
  }

  /** The line that the program prints for a question. */
  ask(label: string, addr: number | bigint, change: Query, path = '/proc/self/maps'): string {
    const { task } = this.guest;
    const { size = 104, flags = 0, name = this.name, nameSize = 4096 } = change;
    const { id = 0, idSize = 0 } = change;
    const sizes = BigInt(nameSize) | (BigInt(idSize) << 32n);
    const words = [size, flags, addr, 0, 0, 0, 0, 0, 0, 0, sizes, name, id];
    task.store(this.query, new Uint8Array(new BigUint64Array(words.map(BigInt)).buffer));
    const fd = this.guest.call('open', path, 0);
    const ret = Number(this.guest.call('ioctl', fd, QUERY, this.query));
    this.guest.call('close', fd);
    return `${label}:${ret < 0 ? ` ${errnoName(-ret)}` : this.answer()}`;
  }

  /** A question for the build id too. */
  askId(label: string, addr: number, idSize = 20, change: Query = {}): string {
    return this.ask(label, addr, { id: this.id, idSize, ...change });
  }

  private answer(): string {
    const { task } = this.guest;
    const field = (at: number) => Number(task.load64(this.query + at));
    const hex = (value: number) => value.toString(16);
    if (field(32) === 0) return '';
    const range = ` ${hex(field(24) - ARENA)}-${hex(field(32) - ARENA)}`;
    const place = `flags ${hex(field(40))} page ${field(48)} offset ${hex(field(56))}`;
    const inode = field(64) === 0 ? '' : ' inode';
    return `${range} ${place}${inode}${this.nameText()}${this.idText()}`;
  }

  private nameText(): string {
    const size = this.guest.task.load32(this.query + 80);
    if (size === 0) return '';
    const bytes = this.guest.task.load(this.name, size - 1);
    return ` name ${size} ${new TextDecoder().decode(bytes).replace('\n', '<newline>')}`;
  }

  private idText(): string {
    const size = this.guest.task.load32(this.query + 84);
    return size === 0
      ? ''
      : ` id ${Buffer.from(this.guest.task.load(this.id, size)).toString('hex')}`;
  }
}

const SHARED = ARENA + 0x10000;
const PRIVATE = ARENA + 0x20000;
const ELF = ARENA + 0x30000;
const NO_NAME = { name: 0, nameSize: 0 };

function* answers(asker: Asker): Generator<string> {
  yield asker.ask('anonymous', ARENA, {});
  yield asker.ask('its last byte', ARENA + PAGE - 1, {});
  yield asker.ask('behind it', ARENA + PAGE, {});
  yield asker.ask('behind it, or what follows', ARENA + PAGE, { flags: 0x10 });
  yield asker.ask('a shared file', SHARED, {});
  yield asker.ask('a shared file without a name', SHARED, NO_NAME);
  yield asker.ask('a private file', PRIVATE, {});
  yield asker.ask('what may be executed from here', ARENA, { flags: 0x14 });
  yield asker.ask('what is shared from here', ARENA, { flags: 0x18 });
  yield asker.ask('what is of a file from here', ARENA, { flags: 0x30 });
  yield asker.ask('what may be written here', ARENA, { flags: 2 });
  yield asker.ask('what may be executed here', ARENA, { flags: 4 });
  yield asker.askId('a build id', ELF, 20, NO_NAME);
  yield asker.askId('a build id of what is no program', SHARED);
  yield asker.askId('a build id of no file', ARENA);
  yield asker.askId('no room for the build id', ELF, 7);
  yield asker.ask('no room for the name', SHARED, { nameSize: 10 });
  yield asker.ask('just room for the name', SHARED, { nameSize: 23 });
  yield asker.ask('half a place for the name', ARENA, { name: 0 });
  yield asker.ask('half a place for the build id', ARENA, { idSize: 20 });
  yield asker.ask('a name at a hole', SHARED, { name: 8 });
  yield asker.ask('an unknown flag', ARENA, { flags: 0x40 });
  yield asker.ask('too small', ARENA, { size: 23 });
  yield asker.ask('the least', ARENA, { size: 24, ...NO_NAME });
  yield asker.ask('too large', ARENA, { size: PAGE + 1 });
  yield asker.ask('an address beyond', 2n ** 63n, { flags: 0x10 });
  yield asker.ask('of smaps', ARENA, {}, '/proc/self/smaps');
}

const test = suite('procfs/procmap-query');

test('PROCMAP_QUERY answers as Linux does, question by question (K-611)', async () => {
  const machine = await Machine.create();
  const asker = new Asker(new Guest(machine, machine.spawn()));
  assertLines([...answers(asker)], expectedLines(PROGRAM));
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED procfs/procmap-query on Linux: ${reason}`);
} else {
  test('the kernel underneath answers so too', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test.run();
