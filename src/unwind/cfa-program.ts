import { Cursor, CfiError } from './cursor.js';
import type { Fde } from './eh-frame.js';

/**
 * Where one register of the caller is. With CFA the canonical frame address and M[a] the 8 bytes
 * of memory at a:
 *
 *     undefined       reg' = unknown
 *     same            reg' = reg
 *     offset N        reg' = M[CFA + N]
 *     valOffset N     reg' = CFA + N
 *     register R      reg' = R
 *     expression E    reg' = M[E(CFA)]
 *     valExpression E reg' = E(CFA)
 */
export type RegisterRule =
  | { readonly kind: 'undefined' | 'same' }
  | { readonly kind: 'offset' | 'valOffset'; readonly offset: bigint }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'expression' | 'valExpression'; readonly code: Uint8Array };

/**
 * How the canonical frame address, the caller's stack pointer at the call, is found:
 *
 *     register R, N   CFA = R + N
 *     expression E    CFA = E()
 */
export type CfaRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: bigint }
  | { readonly kind: 'expression'; readonly code: Uint8Array };

/** The rules in force at one address. */
export interface Row {
  cfa: CfaRule | null;
  registers: Map<number, RegisterRule>;
}

/** Remembered rows; compilers nest one or two. */
const MAX_REMEMBERED = 64;
/** Columns beyond the known registers: vector registers and the like are legal and ignored. */
const MAX_COLUMN = 256;

const UNDEFINED: RegisterRule = { kind: 'undefined' };
const SAME: RegisterRule = { kind: 'same' };

/**
 * Runs the instructions of a function up to `pc`.
 *
 * @returns the row in force at `pc`
 * @throws {CfiError} an instruction is unknown or malformed
 * @see DWARF 4, section 6.4.2
 */
export function runCfaProgram(fde: Fde, pc: bigint): Row {
  const program = new CfaProgram(fde);
  program.run(fde.cie.instructions, null);
  program.keepInitial();
  program.run(fde.instructions, pc);
  return program.row;
}

class CfaProgram {
  row: Row = { cfa: null, registers: new Map() };
  readonly #fde: Fde;
  #initial = new Map<number, RegisterRule>();
  #remembered: Row[] = [];
  #location: bigint;

  constructor(fde: Fde) {
    this.#fde = fde;
    this.#location = fde.start;
  }

  /** What DW_CFA_restore goes back to. */
  keepInitial(): void {
    this.#initial = new Map(this.row.registers);
  }

  /** Runs until the location passes `pc`; null runs to the end. */
  run(instructions: Uint8Array, pc: bigint | null): void {
    const cursor = new Cursor(instructions, 0n);
    while (!cursor.atEnd) {
      this.#step(cursor);
      if (pc !== null && this.#location > pc) return;
    }
  }

  /** One instruction. A location that passes pc ends the run before its row could change. */
  #step(cursor: Cursor): void {
    const opcode = cursor.u8();
    const low = opcode & 0x3f;
    switch (opcode & 0xc0) {
      case 0x40: // DW_CFA_advance_loc
        return this.#advance(BigInt(low));
      case 0x80: // DW_CFA_offset
        return this.#setOffset(low, cursor.uleb());
      case 0xc0: // DW_CFA_restore
        return this.#restore(low);
      default:
        return this.#extended(low, cursor);
    }
  }

  #extended(opcode: number, cursor: Cursor): void {
    const { dataAlign } = this.#fde.cie;
    switch (opcode) {
      case 0x00: // DW_CFA_nop
        return;
      case 0x01: // DW_CFA_set_loc
        return this.#setLocation(cursor);
      case 0x02: // DW_CFA_advance_loc1
        return this.#advance(BigInt(cursor.u8()));
      case 0x03: // DW_CFA_advance_loc2
        return this.#advance(BigInt(cursor.u16()));
      case 0x04: // DW_CFA_advance_loc4
        return this.#advance(BigInt(cursor.u32()));
      case 0x05: // DW_CFA_offset_extended
        return this.#setOffset(cursor.count(), cursor.uleb());
      case 0x06: // DW_CFA_restore_extended
        return this.#restore(cursor.count());
      case 0x07: // DW_CFA_undefined
        return this.#set(cursor.count(), UNDEFINED);
      case 0x08: // DW_CFA_same_value
        return this.#set(cursor.count(), SAME);
      case 0x09: // DW_CFA_register
        return this.#set(cursor.count(), { kind: 'register', register: cursor.count() });
      case 0x0a: // DW_CFA_remember_state
        return this.#remember();
      case 0x0b: // DW_CFA_restore_state
        return this.#recall();
      case 0x0c: // DW_CFA_def_cfa
        return this.#setCfa(cursor.count(), cursor.uleb());
      case 0x0d: // DW_CFA_def_cfa_register
        return this.#setCfa(cursor.count(), this.#cfaRegister().offset);
      case 0x0e: // DW_CFA_def_cfa_offset
        return this.#setCfa(this.#cfaRegister().register, cursor.uleb());
      case 0x0f: // DW_CFA_def_cfa_expression
        this.row.cfa = { kind: 'expression', code: cursor.block(cursor.count()) };
        return;
      case 0x10: // DW_CFA_expression
        return this.#set(cursor.count(), expression('expression', cursor));
      case 0x11: // DW_CFA_offset_extended_sf
        return this.#setOffset(cursor.count(), cursor.sleb());
      case 0x12: // DW_CFA_def_cfa_sf
        return this.#setCfa(cursor.count(), cursor.sleb() * dataAlign);
      case 0x13: // DW_CFA_def_cfa_offset_sf
        return this.#setCfa(this.#cfaRegister().register, cursor.sleb() * dataAlign);
      case 0x14: // DW_CFA_val_offset
        return this.#set(cursor.count(), valOffset(cursor.uleb() * dataAlign));
      case 0x15: // DW_CFA_val_offset_sf
        return this.#set(cursor.count(), valOffset(cursor.sleb() * dataAlign));
      case 0x16: // DW_CFA_val_expression
        return this.#set(cursor.count(), expression('valExpression', cursor));
      case 0x2d: // DW_CFA_AARCH64_negate_ra_state: the signature is taken off every return address
        return;
      case 0x2e: // DW_CFA_GNU_args_size: of use to a catch, not to a trace
        cursor.uleb();
        return;
      case 0x2f: // DW_CFA_GNU_negative_offset_extended
        return this.#setOffset(cursor.count(), -cursor.uleb());
      default:
        throw new CfiError(`call-frame instruction 0x${opcode.toString(16)} is unknown`);
    }
  }

  #advance(delta: bigint): void {
    this.#location += delta * this.#fde.cie.codeAlign;
  }

  /** An absolute address; relative encodings occur only with relocations that linkers resolve. */
  #setLocation(cursor: Cursor): void {
    if (this.#fde.cie.encoding !== 0) throw new CfiError('DW_CFA_set_loc is not absolute');
    this.#location = cursor.u64();
  }

  #set(column: number, rule: RegisterRule): void {
    if (column > MAX_COLUMN) throw new CfiError(`register ${column} does not exist`);
    this.row.registers.set(column, rule);
  }

  #setOffset(column: number, factored: bigint): void {
    this.#set(column, { kind: 'offset', offset: factored * this.#fde.cie.dataAlign });
  }

  #restore(column: number): void {
    const rule = this.#initial.get(column);
    if (rule === undefined) this.row.registers.delete(column);
    else this.row.registers.set(column, rule);
  }

  #setCfa(register: number, offset: bigint): void {
    this.row.cfa = { kind: 'register', register, offset };
  }

  #cfaRegister(): { register: number; offset: bigint } {
    const { cfa } = this.row;
    if (cfa?.kind !== 'register') throw new CfiError('the CFA is not a register and an offset');
    return cfa;
  }

  #remember(): void {
    if (this.#remembered.length >= MAX_REMEMBERED) throw new CfiError('too many remembered rows');
    this.#remembered.push({ cfa: this.row.cfa, registers: new Map(this.row.registers) });
  }

  #recall(): void {
    const row = this.#remembered.pop();
    if (row === undefined) throw new CfiError('no row was remembered');
    this.row = row;
  }
}

function expression(kind: 'expression' | 'valExpression', cursor: Cursor): RegisterRule {
  return { kind, code: cursor.block(cursor.count()) };
}

function valOffset(offset: bigint): RegisterRule {
  return { kind: 'valOffset', offset };
}
