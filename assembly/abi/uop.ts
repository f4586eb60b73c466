// Numbers of micro-operations (assembly/cpu/uop.ts has their layout). Those of a pair do the same: the even
// one is an instruction of four bytes, the odd one of two.

/** Zero: not decoded yet. */
export const UOP_DECODE = 0;
/** What runs off a page comes to; so does what runs off a single step. */
export const UOP_PAGE_END = 1;
/** An instruction whose second half lies on the next page. */
export const UOP_STRADDLE = 2;
export const UOP_ILLEGAL = 3;
export const UOP_ECALL = 4;
export const UOP_EBREAK = 5;

// Pairs.
export const UOP_ADDI = 6;
export const UOP_C_ADDI = 7;
export const UOP_LI = 8;
export const UOP_C_LI = 9;
export const UOP_MV = 10;
export const UOP_C_MV = 11;
export const UOP_ADD = 12;
export const UOP_C_ADD = 13;
export const UOP_ADDIW = 14;
export const UOP_C_ADDIW = 15;
export const UOP_ADDW = 16;
export const UOP_C_ADDW = 17;
export const UOP_SUBW = 18;
export const UOP_C_SUBW = 19;
export const UOP_SUB = 20;
export const UOP_C_SUB = 21;
export const UOP_AND = 22;
export const UOP_C_AND = 23;
export const UOP_OR = 24;
export const UOP_C_OR = 25;
export const UOP_XOR = 26;
export const UOP_C_XOR = 27;
export const UOP_ANDI = 28;
export const UOP_C_ANDI = 29;
export const UOP_SLLI = 30;
export const UOP_C_SLLI = 31;
export const UOP_SRLI = 32;
export const UOP_C_SRLI = 33;
export const UOP_SRAI = 34;
export const UOP_C_SRAI = 35;
export const UOP_LW = 36;
export const UOP_C_LW = 37;
export const UOP_LD = 38;
export const UOP_C_LD = 39;
export const UOP_SW = 40;
export const UOP_C_SW = 41;
export const UOP_SD = 42;
export const UOP_C_SD = 43;
export const UOP_FLD = 44;
export const UOP_C_FLD = 45;
export const UOP_FSD = 46;
export const UOP_C_FSD = 47;
export const UOP_BEQ = 48;
export const UOP_C_BEQ = 49;
export const UOP_BNE = 50;
export const UOP_C_BNE = 51;
export const UOP_J = 52;
export const UOP_C_J = 53;
export const UOP_JALR = 54;
export const UOP_C_JALR = 55;
export const UOP_JR = 56;
export const UOP_C_JR = 57;

// Four bytes only.
export const UOP_BLT = 58;
export const UOP_BGE = 59;
export const UOP_BLTU = 60;
export const UOP_BGEU = 61;
export const UOP_JAL = 62;
export const UOP_AUIPC = 63;
export const UOP_LB = 64;
export const UOP_LBU = 65;
export const UOP_LH = 66;
export const UOP_LHU = 67;
export const UOP_LWU = 68;
export const UOP_SB = 69;
export const UOP_SH = 70;
export const UOP_FLW = 71;
export const UOP_FSW = 72;
export const UOP_SLTI = 73;
export const UOP_SLTIU = 74;
export const UOP_XORI = 75;
export const UOP_ORI = 76;
export const UOP_SLL = 77;
export const UOP_SLT = 78;
export const UOP_SLTU = 79;
export const UOP_SRL = 80;
export const UOP_SRA = 81;
export const UOP_SLLIW = 82;
export const UOP_SRLIW = 83;
export const UOP_SRAIW = 84;
export const UOP_SLLW = 85;
export const UOP_SRLW = 86;
export const UOP_SRAW = 87;
export const UOP_MUL = 88;
export const UOP_MULH = 89;
export const UOP_MULHSU = 90;
export const UOP_MULHU = 91;
export const UOP_DIV = 92;
export const UOP_DIVU = 93;
export const UOP_REM = 94;
export const UOP_REMU = 95;
export const UOP_MULW = 96;
export const UOP_DIVW = 97;
export const UOP_DIVUW = 98;
export const UOP_REMW = 99;
export const UOP_REMUW = 100;
export const UOP_FADD_D = 101;
export const UOP_FSUB_D = 102;
export const UOP_FMUL_D = 103;
export const UOP_FDIV_D = 104;
export const UOP_FMADD_D = 105;
export const UOP_FADD_S = 106;
export const UOP_FSUB_S = 107;
export const UOP_FMUL_S = 108;
export const UOP_FDIV_S = 109;
export const UOP_FMADD_S = 110;
export const UOP_FLOAT = 111;
export const UOP_AMO = 112;
export const UOP_CSR = 113;

/** Branches and jumps that leave the page: of either length. */
export const UOP_FAR_BRANCH = 114;
export const UOP_FAR_JUMP = 115;

/** Several instructions in one, by how long they are together (assembly/cpu/fuse.ts). */
export const UOP_SHIFT_ADD = 116;
export const UOP_C_SHIFT_ADD = 117;
export const UOP_C_INDEXED_LD = 118;
