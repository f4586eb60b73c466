import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CoreMemory, FunctionNames, parseMaps, readCore } from '../../src/index.js';
import { exampleCore, exampleExecutable } from '../elf/example.js';

/** The names of the example crash. */
function exampleNames(): FunctionNames {
  const core = readCore(exampleCore());
  const open = (path: string) => (path.endsWith('/thumbnail') ? exampleExecutable() : null);
  const memory = new CoreMemory(core, open);
  const read = (addr: number, length: number): Uint8Array | null => memory.read(addr, length);
  return new FunctionNames({ read, maps: parseMaps(memory.maps), open });
}

const test = suite('unwind/function-names');

for (const name of ['main', '_start']) {
  test(`${name} is found by its name, and its address has that name`, () => {
    const names = exampleNames();
    const addr = names.addressOf((each) => each === name);
    assert.is.not(addr, null);
    assert.is(names.nameOf(addr as bigint), name);
    assert.match(names.pathOf(addr as bigint), /\/thumbnail$/);
  });
}

for (const name of ['', 'no_such_symbol', 'thumbnail.cc']) {
  test(`'${name}' is the name of nothing`, () => {
    assert.is(
      exampleNames().addressOf((each) => each === name),
      null,
    );
  });
}

test('a mangled name is found by whatever the caller takes for it', () => {
  const names = exampleNames();
  const addr = names.addressOf((each) => each.startsWith('_Z'));
  assert.is.not(addr, null);
  assert.match(names.nameOf(addr as bigint) ?? '', /^_Z/);
});

test.run();
