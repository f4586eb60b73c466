// A RISC-V hart: the host writes its registers, runs it, and reads them.
import { combine } from '../cpu/atomic';
import { expand } from '../cpu/compressed';
import * as cpu from '../cpu/run';
import { fetchInsn, fetchedInsn } from '../cpu/step';
import { hart } from '../cpu/uop';
import * as code from '../mm/code';
import { Mm } from '../mm/mm';
import * as user from '../mm/user';

/** Where the registers of the hart that runs lie (abi/cpu.ts, HART_*). */
export function hartState(): usize {
  return hart;
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
