import { ENOSPC } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { sysSetsid } from '../kernel/pgrp.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf } from '../vfs/fdtable.js';
import type { File } from '../vfs/file.js';
import { AT_FDCWD, O_NOCTTY, O_RDWR } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { doFilpOpen } from '../vfs/open.js';
import { buildOpenHow } from '../vfs/open-flags.js';
import { HostStream, streamFile } from '../vfs/stream-file.js';
import { Tty, type Winsize } from '../vfs/tty.js';
import type { Vfs } from '../vfs/vfs.js';

/** What a console is, and where its output goes. */
export interface ConsoleOptions {
  /**
   * Takes what the program writes, at once; the array is its own. Answering false says that nobody reads any
   * more: the program gets SIGPIPE (default: it is dropped).
   */
  readonly write?: (bytes: Uint8Array) => unknown;
  /**
   * Whether it is a terminal, with a line discipline: input is echoed and edited, ^C is SIGINT (default
   * false: a pipe).
   */
  readonly tty?: boolean;
  /** Size of the terminal (default 80 by 24). */
  readonly columns?: number;
  readonly rows?: number;
  /** The program has read input, or looks for some: send more. Of a pipe only. */
  readonly onWanted?: () => void;
}

/** What the streams of a program are called, by descriptor. */
const NAMES = ['stdin', 'stdout', 'stderr'];

/**
 * What a guest has as standard input, output or error: a terminal, which is all three, or one end of a pipe.
 * A terminal is one of /dev/pts, whose other side the host has.
 *
 * @example
 * const stdout = new Console({ write: (bytes) => process.stdout.write(bytes) });
 * const stdin = new Console();
 * guest.start('/bin/cat', ['cat'], { stdin, stdout, stderr: stdout });
 * stdin.push(new TextEncoder().encode('hello\n'));
 * stdin.end();
 */
export class Console {
  /** Called when input has come, so that who sleeps for it is woken; a Guest sets it. */
  onInput: (() => void) | null = null;
  readonly isTty: boolean;
  readonly #options: ConsoleOptions;
  #stream: HostStream;
  #tty: Tty | null = null;
  #file: File | null = null;
  #size: readonly [columns: number, rows: number];
  /** Typed before the terminal was there. */
  readonly #early: Uint8Array[] = [];

  /** @throws {TypeError | RangeError} an option that is none */
  constructor(options: ConsoleOptions = {}) {
    const { tty = false, columns = 80, rows = 24 } = options;
    if (typeof tty !== 'boolean') throw new TypeError('tty: must be a boolean');
    this.#options = options;
    this.isTty = tty;
    this.#size = [checkSize('columns', columns), checkSize('rows', rows)];
    this.#stream = new HostStream(
      (bytes) => this.#write(bytes),
      () => options.onWanted?.(),
    );
  }

  #write(bytes: Uint8Array): boolean {
    return this.#options.write?.(bytes) !== false;
  }

  /** Bytes of input that the program has not read yet. */
  get waiting(): number {
    return this.#tty?.discipline.readable ?? this.#stream.length;
  }

  /** Gives the program input: at a terminal, what was typed. */
  push(bytes: Uint8Array): void {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes: must be a Uint8Array');
    if (!this.isTty) this.#stream.push(bytes);
    else if (this.#tty === null) this.#early.push(bytes.slice());
    else this.#tty.type(bytes);
    this.onInput?.();
  }

  /** Ends the input: reads answer 0 from then on. */
  end(): void {
    this.#stream.ended = true;
    if (this.#tty !== null) this.#tty.hungUp = true;
    this.onInput?.();
  }

  /** Gives the terminal another size: the foreground gets SIGWINCH. */
  resize(columns: number, rows: number): void {
    this.#size = [checkSize('columns', columns), checkSize('rows', rows)];
    this.#tty?.resize(winsize(this.#size));
    this.onInput?.();
  }

  /**
   * Takes the place of the console that a stream or terminal had; Machine.restore() calls it.
   *
   * @throws {TypeError} a pipe where a terminal is needed, or a terminal where a pipe is
   */
  restored(end: HostStream | Tty): void {
    if (end instanceof Tty !== this.isTty) {
      throw new TypeError(`consoles: ${this.isTty ? 'a pipe' : 'a terminal'} is needed`);
    }
    if (end instanceof Tty) {
      end.host = { display: (bytes) => void this.#write(bytes) };
      this.#tty = end;
      this.resize(...this.#size);
      return;
    }
    end.take = this.#stream.take;
    end.wanted = this.#stream.wanted;
    while (this.#stream.length > 0) {
      const bytes = this.#stream.peek(this.#stream.length);
      end.push(bytes);
      this.#stream.drop(bytes.length);
    }
    end.ended ||= this.#stream.ended;
    this.#stream = end;
  }

  /** Puts it under a descriptor of a task: 0 to read, others to write; a terminal both. */
  install(task: TaskStruct, fd: number): void {
    const { vfs } = fsOf(task);
    if (!this.isTty) {
      if (this.#stream.name === '') this.#stream.name = NAMES[fd] ?? '';
      const file = streamFile(vfs, task.cred, this.#stream, fd === 0 ? 'read' : 'write');
      filesOf(task).replace(fd, file, false);
      return;
    }
    if (this.#tty === null || vfs.devpts.ttys.get(this.#tty.index) !== this.#tty) this.#attach(vfs);
    const tty = this.#tty as Tty;
    // What starts at a terminal leads the session that the terminal controls.
    if (tty.session === 0) {
      if (task.group.sid !== task.tgid) sysSetsid(task);
      tty.control(task);
    }
    const file = this.#file ?? this.#open(task, tty);
    if (this.#file !== null) file.get();
    this.#file = file;
    filesOf(task).replace(fd, file, false);
  }

  #attach(vfs: Vfs): void {
    const display = { display: (bytes: Uint8Array) => void this.#write(bytes) };
    const tty = vfs.devpts.create(0, display, winsize(this.#size)) ?? fail(ENOSPC);
    tty.hungUp = this.#stream.ended;
    vfs.tty = tty;
    this.#tty = tty;
    this.#file = null;
    for (const bytes of this.#early.splice(0)) tty.type(bytes);
  }

  #open({ kernel }: TaskStruct, { index }: Tty): File {
    const how = buildOpenHow(O_RDWR | O_NOCTTY, 0);
    return doFilpOpen(kernel.init, AT_FDCWD, `/dev/pts/${index}`, how);
  }
}

function winsize([columns, rows]: readonly [number, number]): Winsize {
  return { rows, columns, xpixel: 0, ypixel: 0 };
}

function checkSize(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffff) return value;
  throw new RangeError(`${name}: must be a whole number from 0 to 65535`);
}
