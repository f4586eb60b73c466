// A worker without a machine: for it the memory of the other worker is a function call away.
import { Mailbox } from './mailbox.js';

self.onmessage = ({ data: buffer }) => {
  const mailbox = new Mailbox(buffer);
  const at = mailbox.ask({ call: 'where' }).value;
  mailbox.ask({ call: 'write', at, bytes: [...new TextEncoder().encode('seen')] });
  let sum = 0;
  for (let i = 0; i < 1000; i++) sum += mailbox.ask({ call: 'read', at, length: 1 }).value[0];
  self.postMessage(`1000 reads of ${String.fromCharCode(sum / 1000)}`);
};
