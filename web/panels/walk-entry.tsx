import type { JSX } from 'preact';

import type { PageWalkLevel } from '../../src/index.js';
import { Badge, Card, Table } from '../app/ui.js';
import { absence, consequences, ENTRY_BITS, type EntryBit, frameIn, hasBit } from './walk-bits.js';

/** Bits from here to 51 are the frame's number. */
const FRAME_SHIFT = 12;

/** All 64 bits of an entry: 16 digits. */
export function formatEntry(entry: bigint): string {
  return `0x${entry.toString(16).padStart(16, '0')}`;
}

interface EntryProps {
  readonly level: PageWalkLevel['level'];
  readonly entry: bigint;
}

/** The bits of one entry in words. */
export function EntryBits({ level, entry }: EntryProps): JSX.Element {
  const absent = absence(entry);
  return (
    <Card title={`Bits of the ${level} entry`}>
      <p class="mono walk-whole">{formatEntry(entry)}</p>
      {absent === null ? <BitTable level={level} entry={entry} /> : <p>{absent}</p>}
    </Card>
  );
}

function BitTable({ level, entry }: EntryProps): JSX.Element {
  const bits = ENTRY_BITS.filter(({ levels }) => levels === 'all' || level === 'pte');
  const row = (each: EntryBit): JSX.Element => <BitRow key={each.bit} of={each} entry={entry} />;
  const frame = frameIn(entry);
  return (
    <Table caption={`Bits of the ${level} entry`} columns={['Bit', 'Name', 'Says']}>
      {bits.filter(({ bit }) => bit < FRAME_SHIFT).map(row)}
      <tr>
        <th scope="row" class="mono">
          12–51
        </th>
        <td>
          <Badge>frame</Badge>
        </td>
        <td class="wraps">
          {frame === 0n
            ? 'None.'
            : `Frame ${frame}${level === 'pte' ? ': the page.' : ': the next table.'}`}
        </td>
      </tr>
      {bits.filter(({ bit }) => bit >= FRAME_SHIFT).map(row)}
    </Table>
  );
}

function BitRow({ of, entry }: { readonly of: EntryBit; readonly entry: bigint }): JSX.Element {
  const { bit, name, set, clear } = of;
  const on = hasBit(entry, bit);
  return (
    <tr class={on ? '' : 'bit-clear'}>
      <th scope="row" class="mono">
        {bit}
      </th>
      <td>
        <Badge kind={on ? 'accent' : 'plain'}>
          {name} {on ? '1' : '0'}
        </Badge>
      </td>
      <td class="wraps">{on ? set : clear}</td>
    </tr>
  );
}

/** What a read, a store and a fetch would do now. */
export function Consequences(props: {
  readonly entry: bigint;
  readonly perms: string | null;
}): JSX.Element {
  return (
    <Card title="What the CPU would do now">
      <dl class="facts">
        {consequences(props.entry, props.perms).map(({ access, result, good }) => (
          <div key={access} class="fact-row">
            <dt>{access}</dt>
            <dd class={good ? '' : 'fact-bad'}>{result}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">
        An entry counts only as far as the tables above allow. After a fork this machine lets both
        processes share their last tables, and the entry above forbids stores, until one of them
        changes an entry; Linux copies the table at once. With four levels Linux folds its p4d into
        the pgd.
      </p>
    </Card>
  );
}
