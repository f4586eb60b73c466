// The page: it starts both workers and asks questions itself, without ever waiting in a loop.
import { Mailbox } from './mailbox.js';

const mailbox = new Mailbox();
const start = (url) => {
  const worker = new Worker(new URL(url, import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(mailbox.buffer);
  });
};

await start('./machine.js');
const { value: at } = await mailbox.askLater({ call: 'where' });
const before = await mailbox.askLater({ call: 'read', at, length: 18 });
const hole = await mailbox.askLater({ call: 'read', at: 0, length: 1 });
const reads = start('./reader.js');
const during = await mailbox.askLater({ call: 'read', at: at + 5, length: 13 });
const text = ({ value }) => String.fromCharCode(...value);
document.querySelector('output').textContent = [
  text(before),
  hole.code,
  text(during),
  await reads,
].join('; ');
