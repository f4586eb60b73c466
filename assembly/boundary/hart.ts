// A RISC-V hart: the host writes its registers, runs it, and reads them.
import * as cpu from '../cpu/run';
import { hart } from '../cpu/uop';
import * as code from '../mm/code';
import { Mm } from '../mm/mm';

/** Where the registers of the hart that runs lie (abi/cpu.ts, HART_*). */
export function hartState(): usize {
  return hart;
}

/** Executes at most `fuel` instructions on an address space; STOP_*. */
export function hartRun(mm: usize, fuel: i32, stackLimit: f64): i32 {
  return cpu.run(changetype<Mm>(mm), fuel, <u64>stackLimit);
}

/** Gives back the memory of decoded code; it is decoded again when it runs. */
export function dropCode(): void {
  code.dropAllCode();
}

/** Pages whose instructions are decoded. */
export function decodedPages(): u32 {
  return code.decodedPages();
}
