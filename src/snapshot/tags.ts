// The first byte of a value in the state of a snapshot, and of what an object is: part of the format.
export const UNDEFINED = 0;
export const NULL = 1;
export const FALSE = 2;
export const TRUE = 3;
/** A number from 0 to 2^32 - 1, as a count. */
export const COUNT = 4;
export const F64 = 5;
/** The index of a string; of a bigint, of its decimal digits. */
export const STRING = 6;
export const BIGINT = 7;
/** The index of an object. */
export const OBJECT = 8;
/** The index of the name of a function or of a table of them. */
export const ATOM = 9;
/** The index of the name of an object that the embedder gives. */
export const EXTERNAL = 10;

export const KIND_PLAIN = 0;
export const KIND_ARRAY = 1;
export const KIND_MAP = 2;
export const KIND_SET = 3;
export const KIND_BYTES = 4;
/** The index of the class's name follows. */
export const KIND_INSTANCE = 5;
