import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { compileEither, compileResponse, onceMade } from '../../src/wasm/module.js';

const test = suite('wasm/module');

const wasm = readFileSync(new URL('../../procmem.wasm', import.meta.url));

for (const type of ['application/wasm', 'application/octet-stream', '']) {
  test(`a server that calls the module '${type}' is understood`, async () => {
    const response = new Response(wasm, { headers: { 'content-type': type } });
    assert.instance(await compileResponse(response), WebAssembly.Module);
  });
}

test('a server without the module is named as the cause', async () => {
  const response = new Response('not found', { status: 404 });
  const error = await compileResponse(response).catch((cause: unknown) => cause);
  assert.match(String(error), /procmem\.wasm: the server answered 404/);
});

test('where the file beside the script is missing, the bytes inside are taken; without them it is an error', async () => {
  const missing = (): Promise<never> => Promise.reject(new Error('no file'));
  const bytes = new Uint8Array(wasm);
  assert.instance(await compileEither(missing, () => Promise.resolve(bytes)), WebAssembly.Module);
  const error = await compileEither(missing, () => Promise.resolve(null)).catch((e: Error) => e);
  assert.match(
    String(error),
    /^Error: procmem\.wasm cannot be read.*Machine\.create\(\{ wasm \}\)$/,
  );
  assert.match(String((error as Error).cause), 'no file');
  const module = await WebAssembly.compile(bytes);
  const unasked = (): Promise<never> => assert.unreachable() as never;
  assert.is(await compileEither(() => Promise.resolve(module), unasked), module);
});

test('a page in the place of the core, as some servers send for what they do not have, is no core', async () => {
  const page = (): Promise<WebAssembly.Module> =>
    compileResponse(new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } }));
  const bytes = new Uint8Array(wasm);
  assert.instance(await compileEither(page, () => Promise.resolve(bytes)), WebAssembly.Module);
});

test('what failed is made again for the next one who asks, and then kept', async () => {
  let calls = 0;
  const get = onceMade(() => {
    calls += 1;
    return calls === 1 ? Promise.reject(new Error('offline')) : Promise.resolve(calls);
  });
  assert.match(String(await get().catch((cause: unknown) => cause)), /offline/);
  assert.equal(await Promise.all([get(), get()]), [2, 2]);
  assert.is(calls, 2);
});

test.run();
