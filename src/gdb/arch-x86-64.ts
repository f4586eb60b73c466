// Registers of x86-64: struct user_regs_struct and the 512 bytes of fxsave.
import type { Architecture, Register } from './registers.js';
import { plainRegister } from './registers.js';

/** Order of struct user_regs_struct: arch/x86/include/asm/user_64.h. Eight bytes each. */
const USER_REGS = (
  'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss ' +
  'fs_base gs_base ds es fs gs'
).split(' ');

/** gdb's order; the numbers of DWARF are others. */
const GENERAL = 'rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const SELECTORS = 'cs ss ds es fs gs'.split(' ');

function general(name: string, type: string, size: number): Register {
  return plainRegister(name, type, size, { block: 'general', offset: 8 * USER_REGS.indexOf(name) });
}

/** A field of fxsave that gdb shows as 32 bits. */
function control(name: string, offset: number, stored: number): Register {
  const place = { block: 'float', offset, stored } as const;
  return { ...plainRegister(name, 'int', 4, place), group: 'float' };
}

const X87: readonly Register[] = [
  ...Array.from({ length: 8 }, (_, i) =>
    plainRegister(`st${i}`, 'i387_ext', 10, { block: 'float', offset: 32 + 16 * i }),
  ),
  control('fctrl', 0, 2),
  control('fstat', 2, 2),
  { ...control('ftag', 4, 1), form: 'x87-tag' },
  // In 64-bit mode fxsave keeps whole addresses; gdb shows them as selector and offset, as i387 did.
  control('fiseg', 12, 2),
  control('fioff', 8, 4),
  control('foseg', 20, 2),
  control('fooff', 16, 4),
  control('fop', 6, 2),
];

const FLAGS_TYPE = flags('i386_eflags', [
  ['', 1],
  ['CF', 0],
  ['PF', 2],
  ['AF', 4],
  ['ZF', 6],
  ['SF', 7],
  ['TF', 8],
  ['IF', 9],
  ['DF', 10],
  ['OF', 11],
  ['NT', 14],
  ['RF', 16],
  ['VM', 17],
  ['AC', 18],
  ['VIF', 19],
  ['VIP', 20],
  ['ID', 21],
]);

const MXCSR_TYPE = flags('i386_mxcsr', [
  ['IE', 0],
  ['DE', 1],
  ['ZE', 2],
  ['OE', 3],
  ['UE', 4],
  ['PE', 5],
  ['DAZ', 6],
  ['IM', 7],
  ['DM', 8],
  ['ZM', 9],
  ['OM', 10],
  ['UM', 11],
  ['PM', 12],
  ['FZ', 15],
]);

function flags(id: string, bits: readonly (readonly [name: string, bit: number])[]): string {
  const fields = bits.map(([name, bit]) => `<field name="${name}" start="${bit}" end="${bit}"/>`);
  return [`<flags id="${id}" size="4">`, ...fields, '</flags>'].join('\n');
}

const VECTOR_TYPES = [
  ['v8bf16', 'bfloat16', 8],
  ['v4f', 'ieee_single', 4],
  ['v2d', 'ieee_double', 2],
  ['v16i8', 'int8', 16],
  ['v8i16', 'int16', 8],
  ['v4i32', 'int32', 4],
  ['v2i64', 'int64', 2],
] as const;

const VECTOR_FIELDS = [
  ['v8_bfloat16', 'v8bf16'],
  ['v4_float', 'v4f'],
  ['v2_double', 'v2d'],
  ['v16_int8', 'v16i8'],
  ['v8_int16', 'v8i16'],
  ['v4_int32', 'v4i32'],
  ['v2_int64', 'v2i64'],
  ['uint128', 'uint128'],
] as const;

const XMM_TYPES = [
  ...VECTOR_TYPES.map(([id, type, n]) => `<vector id="${id}" type="${type}" count="${n}"/>`),
  '<union id="vec128">',
  ...VECTOR_FIELDS.map(([name, type]) => `<field name="${name}" type="${type}"/>`),
  '</union>',
  MXCSR_TYPE,
].join('\n');

/** x86-64 with x87 and SSE: what every thread of a core has. */
export const X86_64: Architecture = {
  name: 'i386:x86-64',
  triple: 'x86_64-pc-linux-gnu',
  features: [
    {
      name: 'org.gnu.gdb.i386.core',
      types: FLAGS_TYPE,
      registers: [
        ...GENERAL.map((name) =>
          general(name, name === 'rbp' || name === 'rsp' ? 'data_ptr' : 'int64', 8),
        ),
        general('rip', 'code_ptr', 8),
        general('eflags', 'i386_eflags', 4),
        ...SELECTORS.map((name) => general(name, 'int32', 4)),
        ...X87,
      ],
    },
    {
      name: 'org.gnu.gdb.i386.sse',
      types: XMM_TYPES,
      registers: [
        ...Array.from({ length: 16 }, (_, i) =>
          plainRegister(`xmm${i}`, 'vec128', 16, { block: 'float', offset: 160 + 16 * i }),
        ),
        plainRegister('mxcsr', 'i386_mxcsr', 4, { block: 'float', offset: 24 }),
      ],
    },
    {
      name: 'org.gnu.gdb.i386.linux',
      types: '',
      registers: [{ ...general('orig_rax', 'int', 8), group: 'system' }],
    },
    {
      name: 'org.gnu.gdb.i386.segments',
      types: '',
      registers: [general('fs_base', 'int', 8), general('gs_base', 'int', 8)],
    },
  ],
};
