// Memory as streams: a hash over a range, a copy from one process to another.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Machine } from 'procmem';
import { readableStream, readChunks, writableStream } from 'procmem/streams';

const machine = await Machine.create();
const [source, sink] = [machine.spawn(), machine.spawn()];
const length = 1 << 20;
const from = source.mmap({ length });
const to = sink.mmap({ length });
source.store(from, new Uint8Array(length).fill(7));

const reader = machine.spawn();
const mem = reader.open(`/proc/${source.pid}/mem`);
const copy = reader.open(`/proc/${sink.pid}/mem`, 'r+');
const end = from + BigInt(length);

await readableStream(mem, { start: from, end }).pipeTo(writableStream(copy, to));
const hash = async (file, start) => {
  const sum = createHash('sha256');
  const range = { start, end: start + BigInt(length), chunkSize: 1 << 16 };
  for await (const chunk of Readable.from(readChunks(file, range))) sum.update(chunk);
  return sum.digest('hex');
};
console.log((await hash(mem, from)) === (await hash(copy, to)));

try {
  for await (const chunk of readableStream(mem, { start: end - 4096n })) console.log(chunk.length);
} catch (error) {
  console.log(error.code);
}
