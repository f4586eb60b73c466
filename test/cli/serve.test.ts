import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { runCommand } from '../../src/cli/run.js';
import { type ExplorerServer, serveExplorer } from '../../src/cli/serve.js';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: number;
}

/** Asks for a path as it is written: fetch() would tidy `..` away. */
function ask(path: string, method = 'GET', host?: string): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  const headers = host === undefined ? {} : { host };
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers }, (response) => {
      let bytes = 0;
      response.on('data', (part: Buffer) => (bytes += part.length));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes });
      });
    });
    asked.on('error', reject).end();
  });
}

const test = suite('cli/serve');
let server: ExplorerServer;
test.before(async () => {
  server = await serveExplorer(0);
});
test.after(() => server.close());

for (const [path, type] of [
  ['/', 'text/html; charset=utf-8'],
  ['/?demo', 'text/html; charset=utf-8'],
  ['/main.js', 'text/javascript; charset=utf-8'],
  ['/worker.js', 'text/javascript; charset=utf-8'],
  ['/style.css', 'text/css; charset=utf-8'],
  ['/procmem.wasm', 'application/wasm'],
  ['/procmem.html', 'text/html; charset=utf-8'],
] as const) {
  test(`${path} is ${type}, isolated from other pages`, async () => {
    const { status, headers, bytes } = await ask(path);
    assert.is(status, 200);
    assert.is(headers['content-type'], type);
    assert.is(headers['cross-origin-opener-policy'], 'same-origin');
    assert.is(headers['cross-origin-embedder-policy'], 'require-corp');
    assert.is(headers['x-content-type-options'], 'nosniff');
    assert.is(Number(headers['content-length']), bytes);
    assert.ok(bytes > 0);
  });
}

test('the policy allows no inline script and no other server', async () => {
  const policy = String((await ask('/')).headers['content-security-policy']);
  assert.match(policy, `default-src 'none'`);
  assert.match(policy, `script-src 'self' 'wasm-unsafe-eval';`);
  assert.not.match(policy, 'unsafe-inline');
  assert.not.match(policy, /'unsafe-eval'/);
});

test('who may frame the single page is said by a header', async () => {
  const { headers } = await ask('/procmem.html');
  assert.is(headers['content-security-policy'], "frame-ancestors 'none'");
});

test('a file that went since the server started is 404, one that cannot be read 500', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'serve-'));
  writeFileSync(join(directory, 'gone.js'), '');
  mkdirSync(join(directory, 'directory.js'));
  const own = await serveExplorer(0, directory);
  try {
    rmSync(join(directory, 'gone.js'));
    for (const [name, status] of [
      ['gone.js', 404],
      ['directory.js', 500],
    ] as const) {
      assert.is((await fetch(own.url + name)).status, status);
    }
  } finally {
    await own.close();
    rmSync(directory, { recursive: true });
  }
});

for (const [path, method, host, status] of [
  ['/nothing', 'GET', undefined, 404],
  ['/../package.json', 'GET', undefined, 404],
  ['/..%2f..%2fpackage.json', 'GET', undefined, 404],
  ['//main.js', 'GET', undefined, 404],
  ['/main.js', 'POST', undefined, 405],
  ['/main.js', 'HEAD', undefined, 200],
  ['/main.js', 'GET', 'evil.example', 421],
  ['/main.js', 'GET', 'localhost:8077', 200],
  ['/main.js', 'GET', 'LocalHost:8077', 200],
  ['/main.js', 'GET', '[::1]', 200],
] as const) {
  test(`${method} ${path} ${host ?? ''} is ${status}`, async () => {
    const answer = await ask(path, method, host);
    assert.is(answer.status, status);
    if (method === 'HEAD') assert.is(answer.bytes, 0);
  });
}

for (const [args, says] of [
  [['serve', 'core'], /serve takes no file/],
  [['serve', '--port', '65536'], /--port: "65536" is no number from 0 to 65535/],
] as const) {
  test(`procmem ${args.join(' ')} is refused`, async () => {
    let err = '';
    const io = { out: () => {}, err: (text: string) => (err += text), color: false, columns: 80 };
    assert.is(await runCommand([...args], io), 2);
    assert.match(err, says);
  });
}

test('a port that is taken is an error that says so', async () => {
  const { port } = new URL(server.url);
  let err = '';
  const io = { out: () => {}, err: (text: string) => (err += text), color: false, columns: 80 };
  assert.is(await runCommand(['serve', '--port', port], io), 2);
  assert.match(err, `cannot listen on 127.0.0.1:${port}: EADDRINUSE; try --port`);
});

test.run();
