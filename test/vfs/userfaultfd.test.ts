import { suite } from 'uvu';

import { PageFault } from '../../src/api/page-fault.js';
import { errnoName, LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';
import { Guest } from '../syscall/guest.js';

const PROGRAM = 'userfaultfd';
const ARENA = 0x100000000000;
const PAGE = 4096;
const PRIVATE_FIXED = 0x12;
const SHARED_FIXED = 0x11;
const ANONYMOUS = 0x20;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETFL = 4;

const API = 0xc018aa3f;
const REGISTER = 0xc020aa00;
const COPY = 0xc028aa03;
const WRITEPROTECT = 0xc018aa06;
const CONTINUE = 0xc020aa07;
const IOC_NEW = 0xaa00;

const [MISSING, WP, MINOR] = [1, 2, 4];
const WRITEPROTECT_WP = 1;
const FEATURE_THREAD_ID = 1 << 8;
const FEATURE_MINOR_SHMEM = 1 << 10;
const FEATURE_EXACT_ADDRESS = 1 << 11;
const FEATURE_WP_UNPOPULATED = 1 << 13;

const shown = (ret: number | bigint): string => (ret < 0 ? errnoName(-Number(ret)) : 'ok');

/** Accesses of the program: null while they wait, else what they give. */
type Access = (guest: Guest, at: number) => number | null;

function byCpu(act: () => number): number | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof PageFault && error.code === 'USERFAULT') return null;
    throw error;
  }
}

const load: Access = ({ task }, at) => byCpu(() => task.load8(at));

const store: Access = ({ task }, at) =>
  byCpu(() => {
    task.store8(at, 7);
    return 7;
  });

const readMem: Access = ({ task }, at) => {
  try {
    return task.open('/proc/self/mem').pread(new Uint8Array(1), at);
  } catch (error) {
    if (error instanceof LinuxError) return -1;
    throw error;
  }
};

const chdir: Access = (guest, at) => {
  const ret = Number(guest.call('chdir', at));
  return ret === -512 ? null : ret;
};

/** The program of test/linux/programs/userfaultfd.c, one task in place of its two threads. */
class Program {
  readonly lines: string[] = [];
  private readonly guest: Guest;
  private readonly source: number;
  private readonly message: number;
  private fd = -1;

  constructor(guest: Guest) {
    this.guest = guest;
    this.source = guest.put(new Uint8Array(2 * PAGE).fill(3));
    this.message = guest.buffer(32);
  }

  private words(...values: readonly (number | bigint)[]): number {
    return this.guest.put(new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer));
  }

  private open(features: number): void {
    this.fd = Number(this.guest.call('userfaultfd', O_NONBLOCK));
    this.guest.call('ioctl', this.fd, API, this.words(0xaa, features, 0));
  }

  private close(): void {
    this.guest.call('close', this.fd);
  }

  private say(name: string, text: string): void {
    this.lines.push(`${name}: ${text}`);
  }

  private enrol(mode: number): void {
    const arg = this.words(ARENA, 4 * PAGE, mode, 0);
    const ret = this.guest.call('ioctl', this.fd, REGISTER, arg);
    const ioctls = this.guest.task.load64(arg + 24).toString(16);
    this.say(`register ${mode}`, `${shown(ret)} ioctls ${ioctls}`);
  }

  private protect(at: number, mode: number): void {
    this.guest.call('ioctl', this.fd, WRITEPROTECT, this.words(at, PAGE, mode));
  }

  private map(flags: number, fd: number | bigint): void {
    this.guest.call('mmap', ARENA, 4 * PAGE, 3, flags, fd, 0);
  }

  private fdinfo(name: string): void {
    const text = this.guest.task.readText(`/proc/self/fdinfo/${this.fd}`);
    const flags = /flags:\t0(\d*)/.exec(text)?.[1] ?? '';
    const own = text.slice(text.indexOf('pending:')).replace(/[\n\t]/g, ' ');
    this.say(name, `flags ${flags} ${own}`);
  }

  private poll(): string {
    const fds = this.guest.put(new Uint8Array(8));
    this.guest.task.store32(fds, this.fd);
    this.guest.task.store16(fds + 4, 5);
    this.guest.call('poll', fds, 1, 0);
    return this.guest.task.load16(fds + 6).toString(16);
  }

  private waits(name: string, access: Access, at: number): void {
    const { guest, message } = this;
    const { task } = guest;
    let text = '';
    let value = access(guest, at);
    while (value === null) {
      guest.call('read', this.fd, message, 32);
      const flags = Number(task.load64(message + 8));
      const address = Number(task.load64(message + 16));
      const tid = task.load32(message + 24);
      const thread = tid === 0 ? 'none' : tid === task.tid ? 'its' : 'other';
      text += ` event ${task.load8(message).toString(16)} flags ${flags.toString(16)}`;
      text += ` at ${(address - ARENA).toString(16)} thread ${thread}`;
      this.resolve(address - (address % PAGE), flags);
      value = access(guest, at);
    }
    this.lines.push(`${name}:${text} value ${value}`);
  }

  private resolve(at: number, flags: number): void {
    if ((flags & 2) !== 0) this.protect(at, 0);
    else if ((flags & 4) !== 0) {
      this.guest.call('ioctl', this.fd, CONTINUE, this.words(at, PAGE, 0, 0));
    } else {
      this.guest.call('ioctl', this.fd, COPY, this.words(at, this.source, PAGE, 0, 0));
    }
  }

  private files(): void {
    const { guest, message } = this;
    this.fd = Number(guest.call('userfaultfd', O_NONBLOCK | O_CLOEXEC));
    this.say('link', guest.task.readlink(`/proc/self/fd/${this.fd}`));
    this.fdinfo('before the api');
    this.say('poll before the api', this.poll());
    this.say('read before the api', shown(guest.call('read', this.fd, message, 32)));
    this.close();
    this.open(0);
    this.fdinfo('after the api');
    this.say('poll with nothing', this.poll());
    this.say('read with nothing', shown(guest.call('read', this.fd, message, 32)));
    this.say('read of too little', shown(guest.call('read', this.fd, message, 31)));
    this.say('write', shown(guest.call('write', this.fd, message, 32)));
    this.say('seek', shown(guest.call('lseek', this.fd, 1, 0)));
    this.say('pread', shown(guest.call('pread64', this.fd, message, 32, 0)));
    this.say('map', shown(guest.call('mmap', 0, PAGE, 1, 1, this.fd, 0)));
    guest.call('fcntl', this.fd, F_SETFL, 0);
    this.say('poll of what would block', this.poll());
    this.close();
  }

  private device(): void {
    const { guest } = this;
    const device = guest.call('open', '/dev/userfaultfd', 2 | O_CLOEXEC);
    this.fd = Number(guest.call('ioctl', device, IOC_NEW, O_NONBLOCK));
    this.fdinfo('of the device');
    this.close();
    this.say('its flags', shown(guest.call('ioctl', device, IOC_NEW, 2)));
    this.say('another command', shown(guest.call('ioctl', device, IOC_NEW + 1, 0)));
    this.say('read of it', shown(guest.call('read', device, this.source, 1)));
    this.say('write to it', shown(guest.call('write', device, this.source, 1)));
    guest.call('close', device);
  }

  private usual(): void {
    this.open(0);
    this.map(PRIVATE_FIXED | ANONYMOUS, -1);
    this.enrol(MISSING | WP);
    this.waits('a load', load, ARENA + 5);
    this.waits('a load of what is there', load, ARENA + 6);
    this.waits('a store', store, ARENA + PAGE + 9);
    this.waits('a read of mem', readMem, ARENA + 2 * PAGE + 1);
    this.waits('a call', chdir, ARENA + 3 * PAGE);
    this.protect(ARENA, WRITEPROTECT_WP);
    this.waits('a load of a protected page', load, ARENA);
    this.waits('a store to a protected page', store, ARENA + 8);
    this.close();
  }

  private exact(): void {
    this.open(FEATURE_THREAD_ID | FEATURE_EXACT_ADDRESS | FEATURE_WP_UNPOPULATED);
    this.map(PRIVATE_FIXED | ANONYMOUS, -1);
    this.enrol(MISSING);
    this.waits('a load, exactly', load, ARENA + 5);
    this.waits('a store, exactly', store, ARENA + PAGE + 9);
    this.waits('a read of mem, exactly', readMem, ARENA + 2 * PAGE + 1);
    this.enrol(WP);
    this.protect(ARENA + 3 * PAGE, WRITEPROTECT_WP);
    const at = ARENA + 3 * PAGE + 2;
    this.waits('a store to a protected page that is not there', store, at);
    this.close();
  }

  private ofFiles(): void {
    const { guest } = this;
    this.open(FEATURE_MINOR_SHMEM);
    const file = guest.call('memfd_create', 'file', 0);
    this.say('size', shown(guest.call('ftruncate', file, 4 * PAGE)));
    this.say('a page', shown(guest.call('pwrite64', file, 'A', 1, 0)));
    this.map(SHARED_FIXED, file);
    this.enrol(MISSING | MINOR);
    this.waits('a load of what the file has', load, ARENA);
    this.waits('a store to what it has not', store, ARENA + PAGE);
    this.map(PRIVATE_FIXED, file);
    this.enrol(MISSING | WP);
    this.waits('a private load of what the file has', load, ARENA);
    this.waits('a private store to what it has not', store, ARENA + 2 * PAGE);
    this.protect(ARENA, WRITEPROTECT_WP);
    this.waits('a private store to a protected page', store, ARENA);
  }

  run(): readonly string[] {
    this.files();
    this.device();
    this.usual();
    this.exact();
    this.ofFiles();
    return this.lines;
  }
}

const test = suite('vfs/userfaultfd');

test('it tells of faults as Linux does, access by access', async () => {
  const machine = await Machine.create();
  assertLines(new Program(new Guest(machine, machine.spawn())).run(), expectedLines(PROGRAM));
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED vfs/userfaultfd on Linux: ${reason}`);
} else {
  test('the kernel underneath answers so too', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test.run();
