import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { int, register, uint } from '../../src/syscall/args.js';

const test = suite('syscall/args');

const TWO_63 = 2n ** 63n;
const TWO_64 = 2n ** 64n;

const ROWS: readonly [
  value: number | bigint,
  int: number,
  uint: number,
  register: number | bigint,
][] = [
  [0, 0, 0, 0],
  [-1, -1, 0xffffffff, TWO_64 - 1n],
  [-100, -100, 0xffffff9c, TWO_64 - 100n],
  [0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff],
  [0x80000000, -0x80000000, 0x80000000, 0x80000000],
  [0x1_0000_0003, 3, 3, 0x1_0000_0003],
  [TWO_64 - 1n, -1, 0xffffffff, TWO_64 - 1n],
  [TWO_63, 0, 0, TWO_63],
  [-TWO_63, 0, 0, TWO_63],
  [5n, 5, 5, 5],
  [2n ** 53n - 1n, -1, 0xffffffff, Number.MAX_SAFE_INTEGER],
  [2n ** 53n, 0, 0, 2n ** 53n],
];

for (const [value, asInt, asUint, asRegister] of ROWS) {
  test(`${value} is an int of ${asInt}, an unsigned int of ${asUint}`, () => {
    assert.is(int(register(value)), asInt);
    assert.is(uint(register(value)), asUint);
    assert.is(register(value), asRegister);
  });
}

for (const value of [0.5, Number.NaN, Infinity, 2 ** 53]) {
  test(`${value} is no register`, () => assert.throws(() => register(value), RangeError));
}

test.run();
