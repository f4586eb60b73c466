// Registers of riscv64: struct user_regs_struct (pc, then x1 to x31) and struct __riscv_d_ext_state.
import type { Architecture, Register } from './registers.js';
import { plainRegister } from './registers.js';

/** Names of x0 to x31 in the calling convention. */
const INTEGER = (
  'zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 ' +
  't3 t4 t5 t6'
).split(' ');

/** Names of f0 to f31. */
const FLOAT = (
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 ' +
  'fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'
).split(' ');

/** Registers that hold addresses. */
const POINTERS: Readonly<Record<string, string>> = {
  ra: 'code_ptr',
  sp: 'data_ptr',
  gp: 'data_ptr',
  tp: 'data_ptr',
  fp: 'data_ptr',
};

const FCSR = 32 * 8;

function integer(name: string, i: number): Register {
  const place = { block: 'general', offset: 8 * i } as const;
  const register = plainRegister(name, POINTERS[name] ?? 'int', 8, place);
  return i === 0 ? { ...register, block: null } : register;
}

function control(name: string, form: Register['form']): Register {
  return { ...plainRegister(name, 'int', 4, { block: 'float', offset: FCSR }), form };
}

/** riscv64 with double precision. */
export const RISCV64: Architecture = {
  name: 'riscv:rv64',
  triple: 'riscv64-unknown-linux-gnu',
  features: [
    {
      name: 'org.gnu.gdb.riscv.cpu',
      types: '',
      registers: [
        ...INTEGER.map(integer),
        plainRegister('pc', 'code_ptr', 8, { block: 'general', offset: 0 }),
      ],
    },
    {
      name: 'org.gnu.gdb.riscv.fpu',
      types: [
        '<union id="riscv_double">',
        '<field name="float" type="ieee_single"/>',
        '<field name="double" type="ieee_double"/>',
        '</union>',
      ].join('\n'),
      registers: [
        ...FLOAT.map((name, i) =>
          plainRegister(name, 'riscv_double', 8, { block: 'float', offset: 8 * i }),
        ),
        control('fflags', 'fflags'),
        control('frm', 'frm'),
        control('fcsr', 'plain'),
      ],
    },
  ],
};
