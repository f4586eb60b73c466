// Serves the page and the package with the headers that shared memory needs: `node serve.mjs [PORT]`.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const EXAMPLE = new URL('./', import.meta.url);
const PACKAGE = new URL('./browser/', import.meta.resolve('procmem/procmem.wasm'));

/** The type of each file, by the end of its name. */
const TYPES = { js: 'text/javascript', html: 'text/html', wasm: 'application/wasm' };

const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** `/procmem/NAME` is the package's, `/NAME` the example's; names have no slash. */
function fileOf(path) {
  const [, inPackage, name] = /^\/(procmem\/)?([\w.-]+)$/.exec(path) ?? [];
  return new URL(name ?? 'index.html', inPackage === undefined ? EXAMPLE : PACKAGE);
}

const server = createServer(async ({ url }, response) => {
  const file = fileOf(url);
  const type = TYPES[file.pathname.split('.').pop()] ?? 'text/plain';
  try {
    const body = await readFile(file);
    response.writeHead(200, { ...HEADERS, 'content-type': type }).end(body);
  } catch {
    response.writeHead(404, HEADERS).end();
  }
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
