import {
  LinuxError,
  type Machine,
  O_RDWR,
  PageFault,
  PROT_READ,
  PROT_WRITE,
  type Task,
} from '../../src/index.js';
import { createMachine, type Session } from './session.js';

const PAGE = 4096n;
/** Pages shown: one row of the grid. */
const PAGES = 8;
/** _PAGE_RW of x86-64. */
const PTE_RW = 2n;

/** Who does something: the parent, or the child that it forked. */
export type CowActor = 'parent' | 'child';

/** What can be done: each is one button. */
export type CowAction =
  | { readonly do: 'map' }
  | { readonly do: 'fork' }
  | { readonly do: 'exit' }
  | { readonly do: 'load' | 'store' | 'protect'; readonly who: CowActor; readonly page: number }
  /** Through the other's /proc/PID/mem. */
  | { readonly do: 'mem-read' | 'mem-write'; readonly who: CowActor; readonly page: number };

/** One page of one task. */
export interface CowPage {
  readonly addr: bigint;
  /** Null while no page is there. */
  readonly frame: number | null;
  readonly kind: 'anonymous' | 'zero' | null;
  /** Page-table entries that map it, all tasks together. */
  readonly mapcount: number;
  /** Whether the CPU may write to it at once; without it a store is a fault first. */
  readonly writable: boolean;
  /** Whether its mapping may be written at all. */
  readonly protected: boolean;
  /** The first letter in it; null where there is none. */
  readonly letter: string | null;
}

/** One task with its pages. */
export interface CowTask {
  readonly who: CowActor;
  readonly pid: number;
  readonly pages: readonly CowPage[];
}

/** All there is to draw. */
export interface CowState {
  readonly mapped: boolean;
  readonly tasks: readonly CowTask[];
  /** Different frames that hold the pages shown. */
  readonly pageFrames: number;
  /** Frames that the whole machine uses for these tasks: pages, page tables, mappings. */
  readonly framesInUse: number;
  /** Sentence about what the last action did; an error of Linux is one too. */
  readonly said: string;
}

/** What changes when something is done. */
interface World {
  readonly machine: Machine;
  readonly parent: Task;
  /** Root, who looks at the pages without being one of the two. */
  readonly reader: Task;
  /** Null before the fork, and once it has exited. */
  child: Task | null;
  addr: bigint | null;
  readonly atRest: number;
  readonly readOnly: { readonly parent: Set<number>; readonly child: Set<number> };
  letters: number;
}

let world: World | null = null;

async function newWorld(): Promise<World> {
  const machine = await createMachine();
  const reader = machine.spawn({ comm: 'reader' });
  const atRest = machine.stats().framesInUse;
  const parent = machine.spawn({ comm: 'parent', uid: 1000 });
  const readOnly = { parent: new Set<number>(), child: new Set<number>() };
  return { machine, parent, reader, child: null, addr: null, atRest, readOnly, letters: 0 };
}

/** Copy-on-write, on a machine of its own. */
export const cowHandlers = {
  'cow.reset': async (_session: Session, _args: object): Promise<CowState> => {
    world = await newWorld();
    return stateOf(world, 'One process, and nothing mapped yet.');
  },
  'cow.do': async (_session: Session, action: CowAction): Promise<CowState> => {
    world ??= await newWorld();
    return stateOf(world, attempt(world, action));
  },
};

/** Does it, and says what came of it. */
function attempt(world: World, action: CowAction): string {
  try {
    return act(world, action);
  } catch (error) {
    if (error instanceof PageFault) return `SIGSEGV: ${error.message}`;
    if (error instanceof LinuxError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

function act(world: World, action: CowAction): string {
  switch (action.do) {
    case 'map':
      world.addr = world.parent.mmap({ length: BigInt(PAGES) * PAGE });
      return `mmap: ${PAGES} pages of addresses, and not one page of memory.`;
    case 'fork':
      world.child = world.parent.fork();
      world.readOnly.child.clear();
      for (const page of world.readOnly.parent) world.readOnly.child.add(page);
      return 'fork: the child has every page of the parent, and no page was copied.';
    case 'exit':
      world.child?.exit();
      world.child = null;
      return 'exit: what only the child had is free again; the rest is the parent’s alone.';
    default:
      return touch(world, action);
  }
}

type Touch = Extract<CowAction, { readonly page: number }>;

function touch(world: World, action: Touch): string {
  const task = action.who === 'parent' ? world.parent : world.child;
  const other = action.who === 'parent' ? world.child : world.parent;
  if (task === null || world.addr === null) throw new TypeError('there is no such task or page');
  const addr = world.addr + BigInt(action.page) * PAGE;
  const before = task.pageWalk(addr)?.page ?? null;
  const who = `The ${action.who}`;
  switch (action.do) {
    case 'load': {
      task.load8(addr);
      if (before !== null) return `${who} reads page ${action.page}: it is there, nothing changes.`;
      return `${who} reads page ${action.page}: the zero page, which all untouched memory reads from.`;
    }
    case 'store':
      task.store8(addr, nextLetter(world));
      return storeSaid(who, action.page, before, task.pageWalk(addr)?.page ?? null);
    case 'protect': {
      const set = world.readOnly[action.who];
      const open = set.has(action.page);
      task.mprotect(addr, PAGE, open ? PROT_READ | PROT_WRITE : PROT_READ);
      if (open) set.delete(action.page);
      else set.add(action.page);
      return `${who} makes page ${action.page} ${open ? 'writable again' : 'read only'}.`;
    }
    default:
      return throughMem(world, action, task, other, addr);
  }
}

/** One task reads or writes the other's page by a file: /proc/PID/mem. */
function throughMem(
  world: World,
  action: Touch,
  task: Task,
  other: Task | null,
  addr: bigint,
): string {
  if (other === null) throw new TypeError('there is no other task');
  const mem = task.open(`/proc/${other.pid}/mem`, O_RDWR);
  try {
    const before = other.pageWalk(addr)?.page ?? null;
    const [who, whose] = action.who === 'parent' ? ['parent', 'child'] : ['child', 'parent'];
    if (action.do === 'mem-read') {
      mem.pread(new Uint8Array(1), addr);
      return `The ${who} reads page ${action.page} of the ${whose} through mem: no page is copied.`;
    }
    mem.pwrite(Uint8Array.of(nextLetter(world)), addr);
    const said = storeSaid(
      `The ${who}, through mem,`,
      action.page,
      before,
      other.pageWalk(addr)?.page ?? null,
    );
    const forced = world.readOnly[whose as CowActor].has(action.page);
    return forced ? `${said} The page is read only: FOLL_FORCE does it all the same.` : said;
  } finally {
    mem.close();
  }
}

type Page = { readonly frame: number; readonly kind: string; readonly mapcount: number } | null;

function storeSaid(who: string, page: number, before: Page, after: Page): string {
  const writes = `${who} writes to page ${page}`;
  const to = `frame ${after?.frame ?? 0}`;
  if (before === null) return `${writes}: it was not there, so it is ${to} now, zeroed first.`;
  if (before.kind === 'zero') return `${writes}: its own ${to} takes the place of the zero page.`;
  if (before.frame === after?.frame) {
    return `${writes}: nobody else maps frame ${before.frame}, so nothing is copied.`;
  }
  return `${writes}: frame ${before.frame} was mapped ${before.mapcount} times, so it is copied to ${to}.`;
}

/** Letters from A on tell which write put them there. */
function nextLetter(world: World): number {
  const letter = 0x41 + (world.letters % 26);
  world.letters++;
  return letter;
}

function stateOf(world: World, said: string): CowState {
  const { machine, parent, child, addr } = world;
  const found: [CowActor, Task][] = [['parent', parent]];
  if (child !== null) found.push(['child', child]);
  const framesInUse = machine.stats().framesInUse - world.atRest;
  const tasks = found.map(([who, task]) => ({
    who,
    pid: task.pid,
    pages: addr === null ? [] : pagesOf(world, who, task, addr),
  }));
  const frames = tasks.flatMap(({ pages }) =>
    pages.flatMap(({ frame, kind }) => (frame === null || kind === 'zero' ? [] : [frame])),
  );
  return {
    mapped: addr !== null,
    tasks,
    pageFrames: new Set(frames).size,
    framesInUse,
    said,
  };
}

function pagesOf(world: World, who: CowActor, task: Task, start: bigint): CowPage[] {
  const mem = world.reader.open(`/proc/${task.pid}/mem`);
  const pages = Array.from({ length: PAGES }, (_, i): CowPage => {
    const addr = start + BigInt(i) * PAGE;
    const walk = task.pageWalk(addr);
    const page = walk?.page ?? null;
    const isProtected = world.readOnly[who].has(i);
    if (walk === null || page === null) {
      const none = { frame: null, kind: null, mapcount: 0, writable: false, letter: null };
      return { addr, protected: isProtected, ...none };
    }
    const byte = new Uint8Array(1);
    mem.pread(byte, addr);
    return {
      addr,
      frame: page.frame,
      kind: page.kind === 'zero' ? 'zero' : 'anonymous',
      mapcount: page.mapcount,
      writable: (walk.entry & PTE_RW) !== 0n,
      protected: isProtected,
      letter: byte[0] === 0 ? null : String.fromCharCode(byte[0] ?? 0),
    };
  });
  mem.close();
  return pages;
}
