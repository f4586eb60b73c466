// A region's function: its blocks in order, each in a block of wasm that a jump ahead leaves, loops where there are
// loops. What cannot be branched to from where one stands (the middle of a loop, from outside; a return) has its
// number put into ENTRY, and a table at the start of each loop that it lies in leads there.
import * as op from '../../assembly/abi/uop.js';
import { HART_SINK } from '../../assembly/abi/cpu.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Insn } from './code-page.js';
import { AT, Emitter, ENTRY, KEY, LEFT, PAGE, PC } from './emitter.js';
import { type Block, type Flow, isBranch, type Loop, targetOf } from './flow.js';
import { readsOf } from './float.js';
import { Translator, type Places } from './translate.js';
import * as wasm from './wasm.js';

/** Of each branch the comparison that takes it. */
const TAKEN = new Map<number, number>([
  [op.UOP_BEQ, wasm.I64_EQ],
  [op.UOP_BNE, wasm.I64_NE],
  [op.UOP_BLT, wasm.I64_LT_S],
  [op.UOP_BGE, wasm.I64_GE_S],
  [op.UOP_BLTU, wasm.I64_LT_U],
  [op.UOP_BGEU, wasm.I64_GE_U],
]);
/** The same by the field of the instruction, of one that leaves the page. */
const TAKEN_FAR: readonly number[] = [
  wasm.I64_EQ,
  wasm.I64_NE,
  0,
  0,
  wasm.I64_LT_S,
  wasm.I64_GE_S,
  wasm.I64_LT_U,
  wasm.I64_GE_U,
];

/** The body of the function of a region whose block of decoded code lies at `block`. */
export function emitRegion(
  flow: Flow,
  block: number,
  places: Places,
  through: boolean,
): Uint8Array {
  return new RegionWriter(flow, block, places, through).write();
}

class RegionWriter {
  private readonly flow: Flow;
  private readonly block: number;
  private readonly out: Emitter;
  private readonly translator: Translator;
  /** Whether loops inside look at ENTRY. */
  private readonly nested: boolean;

  constructor(flow: Flow, block: number, places: Places, through: boolean) {
    this.flow = flow;
    this.block = block;
    this.out = new Emitter(places.hart, through);
    this.translator = new Translator(this.out, places);
    this.nested = hasEntered(flow.body);
  }

  write(): Uint8Array {
    return this.out.function(() => this.loop(this.flow.body));
  }

  /** @param around registers that are known all around the loop */
  private loop(loop: Loop, around: ReadonlySet<number> = new Set()): void {
    const { out } = this;
    const isBody = loop === this.flow.body;
    const known = isBody ? around : new Set([...around, ...this.readIn(loop)]);
    out.meet(around);
    for (const place of known) out.touch(place);
    out.open(wasm.LOOP, { kind: 'loop', loop });
    const outermost = out.labels.length;
    for (const item of [...loop.items].reverse()) {
      const [first, last] = typeof item === 'number' ? [item, item] : [item.first, item.last];
      out.open(wasm.BLOCK, { kind: 'item', first, last });
    }
    if (isBody) {
      this.dispatch(loop, outermost);
    } else if (loop.entered) {
      out.get(ENTRY);
      out.open(wasm.IF);
      this.dispatch(loop, outermost);
      out.close();
    }
    for (const item of loop.items) {
      out.close();
      out.meet(known);
      if (typeof item === 'number') this.straight(item);
      else this.loop(item, known);
    }
    out.close();
  }

  /** The registers that the instructions of a loop read. */
  private readIn({ first, last }: Loop): Set<number> {
    const insns = this.flow.blocks.slice(first, last + 1).flatMap((block) => block.insns);
    return new Set(insns.flatMap(readsOf).filter((place) => place !== 0));
  }

  /** Goes to the item of a loop that has the entry in ENTRY. */
  private dispatch(loop: Loop, outermost: number): void {
    const { out } = this;
    const last = outermost + loop.items.length - 1;
    const labels = new Array<number>(this.flow.entries + 1).fill(last);
    loop.items.forEach((item, i) => {
      const [first, end] = typeof item === 'number' ? [item, item] : [item.first, item.last];
      for (let block = first; block <= end; block++) {
        labels[(this.flow.blocks[block] as Block).entry] = last - i;
      }
    });
    labels[0] = last;
    out.get(ENTRY);
    out.table(labels);
  }

  /** The instructions of a block. */
  private straight(index: number): void {
    const { out } = this;
    const block = this.flow.blocks[index] as Block;
    const { insns, start, next, entry } = block;
    if (entry !== 0 && this.nested) {
      out.i32(0);
      out.set(ENTRY);
    }
    out.get(LEFT);
    out.i32(insns.length);
    out.op(wasm.I32_SUB);
    out.tee(LEFT);
    out.i32(0);
    out.op(wasm.I32_LT_S);
    out.open(wasm.IF);
    out.leave(start, insns.length);
    out.close();
    insns.forEach((insn, i) => this.insn(insn, insns.length - i));
    if (next !== null && this.flow.blocks[index + 1]?.start !== next) this.goTo(next);
  }

  /** @param unpaid instructions that are left of the block, this one included */
  private insn(insn: Insn, unpaid: number): void {
    const { number } = insn;
    if (isBranch(number)) return this.branch(insn, unpaid - 1);
    switch (number) {
      case op.UOP_FAR_BRANCH:
        return this.farBranch(insn, unpaid - 1);
      case op.UOP_J:
        return this.goTo(targetOf(insn));
      case op.UOP_JAL:
        this.translator.link(insn, 4);
        return this.call(targetOf(insn));
      case op.UOP_JALR:
      case op.UOP_JR:
        return this.indirect(insn);
      case op.UOP_FAR_JUMP:
        this.translator.link(insn, insn.bytes);
        return this.far(insn);
      default:
        this.translator.insn(insn, unpaid);
    }
  }

  private compare(insn: Insn, comparison: number): void {
    this.out.read(insn.a);
    this.out.read(insn.b);
    this.out.op(comparison);
  }

  /** Gives back, where a branch is taken, what it skips of its block. */
  private refund(unpaid: number): void {
    if (unpaid === 0) return;
    this.out.get(LEFT);
    this.out.i32(unpaid);
    this.out.op(wasm.I32_ADD);
    this.out.set(LEFT);
  }

  private branch(insn: Insn, unpaid: number): void {
    const { out } = this;
    this.compare(insn, TAKEN.get(insn.number) as number);
    const to = this.flow.at.get(targetOf(insn));
    const label = to === undefined || unpaid !== 0 ? null : this.labelFor(to);
    if (label?.direct === true) return out.branch(wasm.BR_IF, label.index);
    out.open(wasm.IF);
    if (to === undefined) {
      out.leave(targetOf(insn), unpaid);
    } else {
      this.refund(unpaid);
      this.goTo(targetOf(insn));
    }
    out.close();
  }

  private farBranch(insn: Insn, unpaid: number): void {
    this.compare(insn, TAKEN_FAR[insn.c >> 8] as number);
    this.out.open(wasm.IF);
    this.refund(unpaid);
    this.far(insn);
    this.out.close();
  }

  /** To another page. */
  private far(insn: Insn): void {
    const { out } = this;
    out.get(PAGE);
    out.i64(insn.offset + insn.imm);
    out.op(wasm.I64_ADD);
    out.set(PC);
    out.exit();
  }

  /** The label that leads to a block: directly, or to a loop that has it inside. */
  private labelFor(to: number): { index: number; direct: boolean } | null {
    const { labels } = this.out;
    for (let index = labels.length - 1; index >= 0; index--) {
      const label = labels[index];
      if (label?.kind === 'loop' && label.loop.first === to && label.loop !== this.flow.body) {
        return { index, direct: true };
      }
      if (label?.kind === 'item' && label.first <= to && to <= label.last) {
        return { index, direct: label.first === to };
      }
    }
    return null;
  }

  private goTo(offset: number): void {
    const to = this.flow.at.get(offset);
    if (to === undefined) return this.out.leave(offset, 0);
    const label = this.labelFor(to);
    if (label === null) return this.call(offset);
    if (!label.direct) this.enter(to);
    this.out.branch(wasm.BR, label.index);
  }

  private enter(to: number): void {
    this.out.i32((this.flow.blocks[to] as Block).entry);
    this.out.set(ENTRY);
  }

  /** By the table of the whole region: what is called may lie anywhere, and is no loop around its callers. */
  private call(offset: number): void {
    const to = this.flow.at.get(offset);
    if (to === undefined) return this.out.leave(offset, 0);
    this.enter(to);
    this.again();
  }

  private again(): void {
    this.out.branch(wasm.BR, this.out.labelOf('loop'));
  }

  /** To an address in a register: one in this page may be an entry, as the mark of its micro-operation tells. */
  private indirect(insn: Insn): void {
    const { out } = this;
    out.read(insn.a);
    out.i64(insn.imm);
    out.op(wasm.I64_ADD);
    out.i64(-2);
    out.op(wasm.I64_AND);
    out.set(PC);
    if (insn.target !== HART_SINK) this.translator.link(insn, insn.bytes);
    out.get(PC);
    out.get(PAGE);
    out.op(wasm.I64_SUB);
    out.tee(KEY);
    out.i64(PAGE_SIZE);
    out.op(wasm.I64_LT_U);
    out.open(wasm.IF);
    out.get(KEY);
    out.op(wasm.I32_WRAP_I64);
    out.i32(3);
    out.op(wasm.I32_SHL);
    out.access(wasm.I32_LOAD8_U, this.block + 1);
    out.tee(AT);
    out.open(wasm.IF);
    out.get(AT);
    out.set(ENTRY);
    this.again();
    out.close();
    out.close();
    out.exit();
  }
}

function hasEntered(loop: Loop): boolean {
  return loop.items.some((item) => typeof item === 'object' && (item.entered || hasEntered(item)));
}
