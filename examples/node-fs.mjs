// A machine's files through the shape of node:fs: Node's own streams and unionfs take it.
import * as hostFs from 'node:fs';
import { ufs } from 'unionfs';
import { Machine } from 'procmem';
import { nodeFs } from 'procmem/node-fs';

const machine = await Machine.create();
const target = machine.spawn({ comm: 'target', uid: 1000 });
const addr = target.mmap({ length: 4096 });
target.store(addr, new TextEncoder().encode('read by a stream'));
const reader = machine.spawn({ uid: 1000 });
const fs = nodeFs(reader);

const mem = `/proc/${target.pid}/mem`;
console.log(fs.readFileSync(`/proc/${target.pid}/comm`, 'utf8').trim());

const range = { fs, start: Number(addr), end: Number(addr) + 15 };
for await (const chunk of hostFs.createReadStream(mem, range)) console.log(chunk.toString());

const handle = await fs.promises.open(mem, 'r+');
await handle.write(new TextEncoder().encode('written'), 0, 7, addr);
const { bytesRead, buffer } = await handle.read(new Uint8Array(7), 0, 7, addr);
console.log(bytesRead, new TextDecoder().decode(buffer));
await handle.close();

const both = ufs.use(hostFs).use(fs);
console.log(
  both
    .readFileSync(new URL(import.meta.url), 'utf8')
    .split('\n')[0]
    .slice(0, 12),
);
const fd = both.openSync(mem, 'r');
console.log(both.readSync(fd, buffer, 0, 7, addr), new TextDecoder().decode(buffer));
both.closeSync(fd);
