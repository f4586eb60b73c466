import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { O_NONBLOCK, O_RDWR } from '../../src/vfs/flags.js';
import {
  ICANON,
  ICRNL,
  ISIG,
  IUTF8,
  IXON,
  stdTermios,
  TOSTOP,
  VMIN,
} from '../../src/vfs/termios.js';
import type { Tty } from '../../src/vfs/tty.js';
import { sysSetsid } from '../../src/kernel/pgrp.js';
import { boot, fileOf, open, read, tryOpen, write } from './fixture.js';

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** A session with a terminal, opened without waiting; what it shows piles up in `screen`. */
function setup(flags = O_RDWR | O_NONBLOCK) {
  const world = boot();
  const task = world.spawn();
  sysSetsid(task);
  let screen = '';
  const display = (bytes: Uint8Array): void => {
    screen += Buffer.from(bytes).toString('latin1');
  };
  const size = { rows: 24, columns: 80, xpixel: 0, ypixel: 0 };
  const tty = world.vfs.devpts.create(0, { display }, size) as Tty;
  tty.control(task);
  const fd = open(task, '/dev/tty', flags) as number;
  return {
    ...world,
    task,
    tty,
    fd,
    type: (text: string) => tty.type(latin1(text)),
    shown() {
      const text = screen;
      screen = '';
      return text;
    },
  };
}

/** Everything that reads give, until one would wait. */
function readings({ task, fd }: ReturnType<typeof setup>): string[] {
  const found: string[] = [];
  for (let i = 0; i < 8; i++) {
    const got = read(task, fd, 200);
    if (got === 'EAGAIN') break;
    found.push(got);
  }
  return found;
}

/** What a pseudo terminal of Linux 6.18 shows and gives for what is typed, with a new one's settings. */
const TYPED: readonly (readonly [typed: string, shown: string, read: readonly string[]])[] = [
  ['abc\n', 'abc\r\n', ['abc\n']],
  ['ab\x7fc\n', 'ab\b \bc\r\n', ['ac\n']],
  ['\x7f\x7f', '', []],
  ['one two\x17x\n', 'one two\b \b\b \b\b \bx\r\n', ['one x\n']],
  ['abc\x15z\n', 'abc\b \b\b \b\b \bz\r\n', ['z\n']],
  ['part\x04', 'part', ['part']],
  ['\x04', '', ['']],
  ['a\tb\x7f\n', 'a\tb\b \b\r\n', ['a\t\n']],
  ['a\x01\x7fb\n', 'a^A\b \b\b \bb\r\n', ['ab\n']],
  ['\x16\x03\n', '^\b^C\r\n', ['\x03\n']],
  ['x\x12y\n', 'x^R\r\nxy\r\n', ['xy\n']],
  ['h\xc3\xa4\x7f\n', 'h\xc3\xa4\b \b\r\n', ['h\xc3\n']],
  ['a\r\n', 'a\r\n\r\n', ['a\n', '\n']],
  ['\x1c\n', '^\\\r\n', ['\n']],
  ['ab\x04cd\n', 'abcd\r\n', ['ab', 'cd\n']],
  ['abc\ndef\n', 'abc\r\ndef\r\n', ['abc\n', 'def\n']],
  ['\x13\x11z\n', 'z\r\n', ['z\n']],
  ['a  b  \x17\n', 'a  b  \b \b\b \b\b \b\r\n', ['a  \n']],
  ['a\x1b\x7f\n', 'a^[\b \b\b \b\r\n', ['a\n']],
  ['a/b.c\x17x\n', 'a/b.c\b \bx\r\n', ['a/b.x\n']],
];

const test = suite('vfs/tty');

test('lines are edited, echoed and read as at a terminal of Linux', () => {
  const world = setup();
  world.tty.termios.iflag = ICRNL | IXON;
  world.task.blocked = (1n << 1n) | (1n << 2n); // SIGINT, SIGQUIT: nobody is to die of them
  for (const [typed, shown, lines] of TYPED) {
    world.type(typed);
    assert.is(world.shown(), shown, JSON.stringify(typed));
    assert.equal(readings(world), lines, JSON.stringify(typed));
  }
});

test('in UTF-8 a character is erased whole', () => {
  const world = setup();
  assert.ok((world.tty.termios.iflag & IUTF8) !== 0);
  assert.is(stdTermios().iflag & IUTF8, 0);
  world.type('h\xc3\xa4\x7f\n');
  assert.is(world.shown(), 'h\xc3\xa4\b \b\r\n');
  assert.equal(readings(world), ['h\n']);
});

test('what is written gets a return before each newline, unless OPOST is off', () => {
  const world = setup();
  assert.is(write(world.task, world.fd, 'x\ny\tz\r\n'), 7);
  assert.is(world.shown(), 'x\r\ny\tz\r\r\n');
  world.tty.termios.oflag = 0;
  write(world.task, world.fd, 'x\ny');
  assert.is(world.shown(), 'x\ny');
});

test('bytes come at once without ICANON, and none are needed where VMIN is 0', () => {
  const world = setup();
  const old = { ...world.tty.termios };
  world.type('abc\nde');
  assert.is(read(world.task, world.fd, 2), 'ab');
  world.tty.termios.lflag &= ~ICANON;
  world.tty.discipline.settingsChanged(old);
  assert.is(read(world.task, world.fd), 'c\nde');
  world.type('xy');
  const raw = { ...world.tty.termios };
  world.tty.termios.lflag |= ICANON;
  world.tty.discipline.settingsChanged(raw);
  assert.is(read(world.task, world.fd), 'xy');
  world.tty.termios.lflag &= ~ICANON;
  world.tty.termios.cc[VMIN] = 0;
  assert.is(read(world.task, world.fd), '');
  world.tty.termios.cc[VMIN] = 3;
  world.type('xy');
  assert.is(read(world.task, world.fd), 'xy');
});

test('a read that would wait is made again, and ends when the keys do', () => {
  const world = setup(O_RDWR);
  assert.is(read(world.task, world.fd), 'ERESTARTSYS');
  world.tty.hungUp = true;
  assert.is(read(world.task, world.fd), '');
});

test('^C is SIGINT for the group in the foreground, and none without ISIG', () => {
  const world = setup();
  const { task, tty } = world;
  task.blocked = 1n << 1n;
  world.type('half a line\x03');
  // What was to be echoed goes with what was typed.
  assert.is(world.shown(), '^C');
  assert.ok(task.group.sharedPending.mask & (1n << 1n));
  world.type('x\n');
  assert.equal(readings(world), ['x\n']);
  tty.termios.lflag &= ~ISIG;
  world.type('\x03\n');
  assert.equal(readings(world), ['\x03\n']);
});

test('who is in the background does not read, and with TOSTOP does not write', () => {
  const world = setup();
  const { task, tty, fd } = world;
  task.blocked = (1n << 20n) | (1n << 21n); // SIGTTIN, SIGTTOU
  tty.pgrp = 999;
  assert.is(read(task, fd), 'EIO');
  task.blocked = 0n;
  // Nobody of the session could continue it.
  assert.is(read(task, fd), 'EIO');
  assert.is(write(task, fd, 'x'), 1);
  tty.termios.lflag |= TOSTOP;
  assert.is(write(task, fd, 'x'), 'EIO');
});

test('/dev/tty is the terminal of the session, and of nobody else', () => {
  const { spawn, task, fd, tty } = setup();
  assert.is(tryOpen(spawn(), '/dev/tty'), 'ENXIO');
  assert.is(tryOpen(task, '/dev/pts/0'), 'ok');
  assert.equal(fileOf(task, fd).privateData, { tty, hungUp: false });
});

test('^S holds output back until ^Q', () => {
  const world = setup();
  world.type('\x13');
  assert.is(write(world.task, world.fd, 'x'), 'EAGAIN');
  world.type('\x11');
  assert.is(write(world.task, world.fd, 'x'), 1);
});

test.run();
