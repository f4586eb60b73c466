import * as heat from '../../assembly/abi/jit.js';
import type { Core, RegionCompiler } from '../wasm/core.js';
import { CodePage } from './code-page.js';
import { REGION } from './emitter.js';
import { type Flow, flowOf, isLeft } from './flow.js';
import { LOOKUP, lookupBody } from './lookup.js';
import { emitRegion } from './region.js';
import type { Places } from './translate.js';
import { encodeModule, I32, I64, type Signature } from './wasm.js';

/** What regions call of the core, in the order of their numbers. */
const CALLS: readonly (readonly [string, Signature])[] = [
  ['regionPlace', { params: [I32, I64, I32, I32], result: I32 }],
  ['regionArithmetic', { params: [I32], result: I32 }],
  ['regionFloat', { params: [I32], result: I32 }],
  ['regionMulh', { params: [I32, I64, I64], result: I64 }],
];

type WasmFunction = readonly [signature: Signature, body: Uint8Array];

/** How eagerly code is compiled; what is not given is meant for programs. */
export interface JitOptions {
  /** Samples of a page that make it worth compiling. */
  readonly threshold?: number;
  /** Of so many arrivals at an address one is a sample. */
  readonly period?: number;
  /** Most instructions of one call of the core. */
  readonly slice?: number;
  /** Part of the time of interpreting that compiling may take, about. */
  readonly share?: number;
}

/** The engine replaces a function by its better code when it is called again, not while it runs. */
const SLICE = 1 << 18;
/** What compiling takes, in instructions interpreted meanwhile: of a module, of an instruction. */
const MODULE_COST = 400_000;
const INSN_COST = 2000;
/** Most regions at a time; then all are given up. */
const REGIONS_MAX = 1024;
/** Instructions of a region, about, before that is known. */
const USUAL_INSNS = 100;
const TABLE_STEP = 64;

/** A page whose code was found running. */
interface Page {
  readonly code: CodePage;
  readonly serial: number;
  readonly arrivals: Set<number>;
  readonly seeds: Set<number>;
  /** Samples that found it executed, and arrived at. */
  ended: number;
  arrived: number;
  /** Those that make it worth compiling. */
  samples: number;
  /** How many samples more make it worth compiling (again). */
  wanted: number;
  /** What its region has; null while there is none. */
  flow: Flow | null;
  /** Its place in the table. */
  place: number;
}

/**
 * Finds code that runs often and has it compiled to wasm, a page a function. Everything else goes on being
 * interpreted, as does all where an engine refuses to compile.
 */
export class Jit implements RegionCompiler {
  readonly slice: number;
  /** Why the engine refused; null while it has not. */
  refused: Error | null = null;
  /** Modules that were made so far. */
  modules = 0;
  private readonly core: Core;
  private readonly threshold: number;
  private readonly share: number;
  private readonly at: number;
  private readonly places: Places;
  private readonly pages = new Map<number, Page>();
  private readonly free: number[] = [];
  /** Instructions worth of compiling that may be done. */
  private credit = 0;
  /** Something is worth compiling that there was no credit for. */
  private waiting = false;
  private drops = 0;
  private epoch = 0;
  /** Places taken in the table. */
  private taken = 0;

  constructor(core: Core, options: JitOptions = {}) {
    this.core = core;
    this.threshold = options.threshold ?? 2;
    this.slice = options.slice ?? SLICE;
    this.share = options.share ?? 0.1;
    const { exports } = core;
    this.at = exports.hartHeat();
    this.places = {
      hart: exports.hartState(),
      loadRanges: exports.tlbTable(1),
      storeRanges: exports.tlbTable(2),
      place: 0,
      arithmetic: 1,
      float: 2,
      mulh: 3,
      lookup: CALLS.length,
    };
    this.setWord(heat.HEAT_PERIOD, options.period ?? 251);
  }

  /** Regions that are compiled now. */
  get regions(): number | null {
    return this.refused === null ? this.taken : null;
  }

  private word(at: number): number {
    return this.core.readU32(this.at + at);
  }

  private setWord(at: number, value: number): void {
    this.core.u32[(this.at + at) >>> 2] = value;
  }

  ran(executed: number): void {
    this.credit += executed * this.share;
    const count = this.word(heat.HEAT_COUNT);
    if (count === 0) return;
    this.forgetDropped();
    let worth = false;
    for (let i = 0; i < count; i++) {
      const at = heat.HEAT_SAMPLES + 8 * i;
      worth = this.note(this.word(at), this.word(at + 4)) || worth;
    }
    this.setWord(heat.HEAT_COUNT, 0);
    const isPaid = this.credit >= MODULE_COST + USUAL_INSNS * INSN_COST;
    if (isPaid && (worth || this.waiting)) this.compileWorthy();
    else this.waiting ||= worth;
  }

  /** Forgets what lay in blocks that are gone. */
  private forgetDropped(): void {
    const [drops, epoch] = [this.word(heat.HEAT_DROPS), this.word(heat.HEAT_EPOCH)];
    if (drops === this.drops && epoch === this.epoch) return;
    const all = epoch !== this.epoch;
    [this.drops, this.epoch] = [drops, epoch];
    for (const [block, page] of this.pages) {
      if (!all && page.code.serial === page.serial) continue;
      this.release(page);
      this.pages.delete(block);
    }
  }

  private release(page: Page): void {
    if (page.flow === null) return;
    page.flow = null;
    this.core.regionPlaces().table.set(page.place, null);
    this.free.push(page.place);
    this.taken -= 1;
  }

  /** Takes a sample; whether its page has become worth compiling. */
  private note(block: number, distance: number): boolean {
    let page = this.pages.get(block);
    if (page === undefined) {
      const code = new CodePage(this.core, block);
      const { serial } = code;
      if (serial === 0) return false;
      const [arrivals, seeds] = [new Set<number>(), new Set<number>()];
      const wanted = this.threshold;
      page = {
        code,
        serial,
        arrivals,
        seeds,
        ended: 0,
        arrived: 0,
        samples: 0,
        wanted,
        flow: null,
        place: 0,
      };
      this.pages.set(block, page);
    }
    const isEnd = (distance & 1) !== 0;
    const offset = (distance >> 4) << 1;
    if (isEnd) page.ended += 1;
    else page.arrived += 1;
    if (!isNews(page, offset, isEnd)) return false;
    (isEnd ? page.seeds : page.arrivals).add(offset);
    page.samples += 1;
    return page.samples >= page.wanted;
  }

  /** Compiles what is worth it, the hottest first, as far as there is credit. */
  private compileWorthy(): void {
    const worthy = [...this.pages.values()].filter((page) => page.samples >= page.wanted);
    worthy.sort((a, b) => b.samples - a.samples);
    this.waiting = false;
    const batch: [Page, Flow][] = [];
    let cost = MODULE_COST;
    for (const page of worthy) {
      if (this.credit < cost + USUAL_INSNS * INSN_COST) {
        this.waiting = true;
        break;
      }
      const flow = flowOf(page.code, page);
      page.samples = 0;
      if (flow === null) continue;
      cost += flow.insns * INSN_COST;
      batch.push([page, flow]);
    }
    if (batch.length === 0) return;
    if (this.taken + batch.length > REGIONS_MAX) return this.giveUp();
    this.credit -= cost;
    this.compile(batch);
  }

  /** Interprets everything again, and begins anew. */
  private giveUp(): void {
    for (const page of this.pages.values()) {
      this.unmark(page);
      this.release(page);
    }
    this.pages.clear();
  }

  private unmark({ code, flow }: Page): void {
    for (const { start, entry } of flow?.blocks ?? []) if (entry !== 0) code.setMark(start, 0);
  }

  private compile(batch: readonly (readonly [Page, Flow])[]): void {
    const { memory, table } = this.core.regionPlaces();
    const { regionPlace, regionArithmetic, regionFloat, regionMulh } = this.core.exports;
    const calls = { regionPlace, regionArithmetic, regionFloat, regionMulh };
    const functions = batch.map(([page, flow]): WasmFunction => {
      const through = page.arrived > page.ended;
      return [REGION, emitRegion(flow, page.code.block, this.places, through)];
    });
    functions.unshift([LOOKUP, lookupBody(this.places.place)]);
    try {
      const module = new WebAssembly.Module(encodeModule(CALLS, functions));
      const { exports } = new WebAssembly.Instance(module, { env: { memory, ...calls } });
      this.modules += 1;
      batch.forEach(([page, flow], i) => {
        this.install(page, flow, exports[String(i + 1)], table);
      });
    } catch (error) {
      this.refused = error as Error;
      this.setWord(heat.HEAT_PERIOD, 0);
    }
  }

  /** Has the loop find a region at each of its entries. */
  private install(page: Page, flow: Flow, region: unknown, table: WebAssembly.Table): void {
    this.unmark(page);
    this.release(page);
    page.place = this.takePlace(table);
    table.set(page.place, region);
    this.taken += 1;
    page.flow = flow;
    page.wanted = Math.min(64, 2 * page.wanted);
    page.samples = 0;
    for (const { start, entry } of flow.blocks) {
      if (entry === 0) continue;
      page.code.setMark(start, entry);
      page.code.setRegion(entry, page.place);
    }
  }

  private takePlace(table: WebAssembly.Table): number {
    if (this.free.length === 0) {
      const first = table.grow(TABLE_STEP);
      for (let i = 0; i < TABLE_STEP; i++) this.free.push(first + i);
    }
    return this.free.pop() as number;
  }
}

/** Whether a region of the page could have been there, and was not. */
function isNews({ code, flow }: Page, offset: number, isEnd: boolean): boolean {
  const insn = code.insnAt(offset);
  if (insn === null || isLeft(insn.number) || code.markAt(offset) !== 0) return false;
  if (flow === null) return true;
  const block = flow.blocks.find(
    ({ start, insns }) => start <= offset && offset <= (insns.at(-1)?.offset ?? start),
  );
  if (block === undefined) return true;
  return !isEnd && block.start === offset;
}
