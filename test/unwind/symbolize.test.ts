import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { symbolize } from '../../src/unwind/symbolize.js';
import type { StackFrame } from '../../src/unwind/unwind.js';
import { ExampleProcess } from './process.js';

const test = suite('unwind/symbolize');

/** The address to name: a return address belongs to the call before it. */
const nameable = ({ pc, exact }: StackFrame): bigint => (exact ? pc : pc - 1n);
const names = (process: ExampleProcess, thread: number): (string | null)[] =>
  process.trace(thread).frames.map((frame) => symbolize(nameable(frame), process.open));

test('the crashed thread is named from the bug to _start', () => {
  assert.equal(names(new ExampleProcess(), 0), [
    'postcard::Palette::colourOf(unsigned char) const',
    'postcard::Painter::paintRun(unsigned char, unsigned int)',
    'unsigned int postcard::Decoder::forEachRun<postcard::Painter>(postcard::Bytes, postcard::Painter&) const',
    'postcard::Decoder::decodeInto(postcard::Canvas&) const',
    '(anonymous namespace)::makeThumbnail(postcard::Bytes const&, (anonymous namespace)::Progress&)',
    'makeAlbum(postcard::Bytes)',
    'main',
    '_start',
  ]);
});

test('the other thread is named to where it was started', () => {
  assert.equal(names(new ExampleProcess(), 1), [
    'systemCall',
    'sleepMilliseconds(unsigned long)',
    '(anonymous namespace)::watchProgress((anonymous namespace)::Progress*)',
    'cloneThread',
  ]);
});

for (const missing of ['/proc/self/maps', '/proc/self/mem']) {
  test(`without ${missing} no frame has a name`, () => {
    const process = new ExampleProcess();
    process.missing.add(missing);
    assert.ok(names(process, 0).every((name) => name === null));
  });
}

test('without its executable each frame has a path and an offset', () => {
  const process = new ExampleProcess();
  process.missing.add('/tmp/crash/thumbnail');
  assert.is(names(process, 0)[0], '(/tmp/crash/thumbnail+0x1063)');
});

test('only maps, mem and the executable are opened, anew for each frame', () => {
  const process = new ExampleProcess();
  names(process, 0);
  assert.equal(
    process.counts.opens,
    process
      .trace(0)
      .frames.flatMap(() => ['/proc/self/maps', '/proc/self/mem', '/tmp/crash/thumbnail']),
  );
});

for (const pc of [0n, 4n, 0x55556a112000n, 2n ** 63n, 2n ** 64n - 1n]) {
  test(`0x${pc.toString(16)}, which is in no executable mapping, has no name`, () => {
    assert.is(symbolize(pc, new ExampleProcess().open), null);
  });
}

test.run();
