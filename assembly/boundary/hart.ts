// A RISC-V hart: the host writes its registers, runs it, and reads them.
import { combine } from '../cpu/atomic';
import { arithmetic, floatOther } from '../cpu/float-ops';
import { expand } from '../cpu/compressed';
import { mulh, mulhsu, mulhu } from '../cpu/muldiv';
import * as cpu from '../cpu/run';
import { accessPlace } from '../cpu/slow';
import { fetchInsn, fetchedInsn } from '../cpu/step';
import { hart } from '../cpu/uop';
import * as code from '../mm/code';
import { Mm } from '../mm/mm';
import * as user from '../mm/user';

/** Where the registers of the hart that runs lie (abi/cpu.ts, HART_*). */
export function hartState(): usize {
  return hart;
}

/** What the host looks at to find code worth compiling (abi/jit.ts). */
export function hartHeat(): usize {
  return code.heat;
}

/** Executes at most `fuel` instructions on an address space; STOP_*. */
export function hartRun(mm: usize, fuel: i32, stackLimit: f64): i32 {
  return cpu.run(changetype<Mm>(mm), fuel, <u64>stackLimit);
}

/** The bits of the instruction at `pc`, 16 or 32; what stopped the fetch is in lastFault(). */
export function hartFetch(mm: usize, pc: f64, stackLimit: f64): u32 {
  user.clearFault();
  return fetchInsn(changetype<Mm>(mm), <u64>pc, <u64>stackLimit) ? fetchedInsn() : 0;
}

/** The instruction of 32 bits that one of 16 stands for; 0: none. */
export function hartExpand(insn: u32): u32 {
  return expand(insn);
}

/** What an AMO of that funct5 stores; words sign-extended. */
export function hartCombine(funct5: u32, old: u64, operand: u64): u64 {
  return combine(funct5, old, operand);
}

/** Whether a hart executes what lies in pages whose fetches are watched. */
export function passFetches(on: bool): void {
  user.passFetches(on);
}

/** Gives back the memory of decoded code; it is decoded again when it runs. */
export function dropCode(): void {
  code.dropAllCode();
}

/** Pages whose instructions are decoded. */
export function decodedPages(): u32 {
  return code.decodedPages();
}

// What compiled regions call.

/** The place of a value of `size` bytes whose page's table is known and asks for nothing; 0 otherwise. */
export function regionPlace(mm: usize, addr: u64, size: u32, write: bool): usize {
  return accessPlace(changetype<Mm>(mm), addr, size, write);
}

/** fadd to fmadd, of the micro-operation at `up`; false: it is illegal. */
export function regionArithmetic(up: usize): bool {
  return arithmetic(up);
}

/** Everything else of F and D. */
export function regionFloat(up: usize): bool {
  return floatOther(up);
}

/** The upper half of a product: 0 of signed, 1 of signed by unsigned, 2 of unsigned words. */
export function regionMulh(how: u32, a: u64, b: u64): u64 {
  return how == 0 ? mulh(a, b) : how == 1 ? mulhsu(a, b) : mulhu(a, b);
}
