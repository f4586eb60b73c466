import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { Client } from './client.js';
import { failureOf } from './opening.js';
import { Button, Field } from './ui.js';

/** Goes to an address, a symbol, a register or a mapping. */
export function JumpField(props: {
  readonly client: Client;
  readonly task: number;
  onFound(addr: number): void;
}): JSX.Element {
  const [text, setText] = useState('');
  const [error, setError] = useState<string | null>(null);
  const jump = (): void => {
    props.client.call('memory.find', { task: props.task, text }).then(
      (addr) => {
        setError(null);
        props.onFound(addr);
        document.querySelector<HTMLElement>('.hex-grid')?.focus();
      },
      (failed: unknown) => setError(failureOf(failed).message),
    );
  };
  return (
    <div class="form-row jump">
      <Field
        id="jump"
        label="Go to"
        value={text}
        onInput={(value) => (setText(value), setError(null))}
        onEnter={jump}
        error={error}
        placeholder="0x7ffd1000, main+8, $rsp, [stack]"
        mono
        width="24rem"
      />
      <Button onClick={jump}>Go</Button>
    </div>
  );
}
