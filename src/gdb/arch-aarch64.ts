// Registers of aarch64: struct user_pt_regs and struct user_fpsimd_state.
import type { Architecture } from './registers.js';
import { plainRegister } from './registers.js';

const CPSR = flagsOf([
  ['SP', 0, 0],
  ['EL', 2, 3],
  ['nRW', 4, 4],
  ['F', 6, 6],
  ['I', 7, 7],
  ['A', 8, 8],
  ['D', 9, 9],
  ['BTYPE', 10, 11],
  ['SSBS', 12, 12],
  ['IL', 20, 20],
  ['SS', 21, 21],
  ['PAN', 22, 22],
  ['UAO', 23, 23],
  ['DIT', 24, 24],
  ['TCO', 25, 25],
  ['V', 28, 28],
  ['C', 29, 29],
  ['Z', 30, 30],
  ['N', 31, 31],
]);

function flagsOf(fields: readonly (readonly [name: string, low: number, high: number])[]): string {
  const lines = fields.map(([name, low, high]) => {
    const type = low === high ? 'bool' : 'uint32';
    return `<field name="${name}" start="${low}" end="${high}" type="${type}"/>`;
  });
  return ['<flags id="cpsr_flags" size="4">', ...lines, '</flags>'].join('\n');
}

/** Views of a vector register: suffix, element type and count, each as unsigned and signed or float. */
const VIEWS = [
  ['d', ['f:ieee_double', 'u:uint64', 's:int64'], 2],
  ['s', ['f:ieee_single', 'u:uint32', 's:int32'], 4],
  ['h', ['f:ieee_half', 'u:uint16', 's:int16'], 8],
  ['b', ['u:uint8', 's:int8'], 16],
  ['q', ['u:uint128', 's:int128'], 1],
] as const;

function vectorTypes(): string {
  const lines: string[] = [];
  for (const [view, elements, count] of VIEWS) {
    for (const element of elements) {
      const [kind = '', type = ''] = element.split(':');
      lines.push(`<vector id="v${view}${kind}" type="${type}" count="${count}"/>`);
    }
    const fields = elements.map((element) => {
      const kind = element.charAt(0);
      return `<field name="${kind}" type="v${view}${kind}"/>`;
    });
    lines.push(`<union id="vn${view}">`, ...fields, '</union>');
  }
  const views = VIEWS.map(([view]) => `<field name="${view}" type="vn${view}"/>`);
  return [...lines, '<union id="aarch64v">', ...views, '</union>'].join('\n');
}

/** aarch64 with its vector registers. */
export const AARCH64: Architecture = {
  name: 'aarch64',
  triple: 'aarch64-unknown-linux-gnu',
  features: [
    {
      name: 'org.gnu.gdb.aarch64.core',
      types: CPSR,
      registers: [
        ...Array.from({ length: 31 }, (_, i) =>
          plainRegister(`x${i}`, 'int', 8, { block: 'general', offset: 8 * i }),
        ),
        plainRegister('sp', 'data_ptr', 8, { block: 'general', offset: 31 * 8 }),
        plainRegister('pc', 'code_ptr', 8, { block: 'general', offset: 32 * 8 }),
        plainRegister('cpsr', 'cpsr_flags', 4, { block: 'general', offset: 33 * 8, stored: 8 }),
      ],
    },
    {
      name: 'org.gnu.gdb.aarch64.fpu',
      types: vectorTypes(),
      registers: [
        ...Array.from({ length: 32 }, (_, i) =>
          plainRegister(`v${i}`, 'aarch64v', 16, { block: 'float', offset: 16 * i }),
        ),
        plainRegister('fpsr', 'int', 4, { block: 'float', offset: 512 }),
        plainRegister('fpcr', 'int', 4, { block: 'float', offset: 516 }),
      ],
    },
  ],
};
