import type { JSX } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';

import { formatAddress } from '../app/format.js';
import { Button, Field } from '../app/ui.js';

const USER_END = 2 ** 47;

/** A field for an address, with a button that goes there. Enter goes too. */
export function AddressField(props: {
  readonly label: string;
  /** What is shown now. */
  readonly addr: number | null;
  onGo(addr: number): void;
}): JSX.Element {
  const shown = props.addr === null ? '' : formatAddress(props.addr);
  const [text, setText] = useState(shown);
  const [tried, setTried] = useState(false);
  // With the address that is shown, not a moment later: somebody may be typing by then.
  useLayoutEffect(() => {
    setText(shown);
    setTried(false);
  }, [shown]);
  const addr = parseAddress(text);
  const go = (): void => {
    if (addr === null) setTried(true);
    else props.onGo(addr);
  };
  return (
    <div class="form-row address-field">
      <Field
        label={props.label}
        value={text}
        onInput={setText}
        onEnter={go}
        mono
        width="19ch"
        error={tried && addr === null ? 'Hex digits, below 0x800000000000.' : null}
      />
      <Button onClick={go}>Go</Button>
    </div>
  );
}

/** Hex digits with or without 0x, below 2^47; null for anything else. */
function parseAddress(text: string): number | null {
  const digits = /^\s*(?:0x)?([0-9a-f]{1,12})\s*$/i.exec(text)?.[1];
  if (digits === undefined) return null;
  const addr = Number.parseInt(digits, 16);
  return addr < USER_END ? addr : null;
}
