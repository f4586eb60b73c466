import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { Button, Card, Check, Field, Select } from '../app/ui.js';
import type { AccessSettings, Identity, Relation } from '../worker/explain-world.js';
import {
  ALL_CAPS,
  CAP_PERFMON,
  CAP_SYS_ADMIN,
  CAP_SYS_PTRACE,
  PRESETS,
} from './explain-presets.js';

/** The largest user or group id; -1 as an unsigned number means none. */
const MAX_ID = 0xfffffffe;

const RELATIONS: readonly { readonly value: Relation; readonly label: string }[] = [
  { value: 'none', label: 'Nothing' },
  { value: 'parent', label: 'The caller is its parent' },
  { value: 'declared', label: 'The target named it: PR_SET_PTRACER' },
  { value: 'thread', label: 'Threads of one process' },
];

const YAMA = [
  { value: -1, label: 'No Yama' },
  { value: 0, label: '0: off' },
  { value: 1, label: '1: descendants only' },
  { value: 2, label: '2: CAP_SYS_PTRACE only' },
  { value: 3, label: '3: nobody' },
] as const;

/** The form of the explainer: presets, both tasks, and what the machine is like. */
export function ExplainForm(props: {
  readonly settings: AccessSettings;
  onChange(settings: AccessSettings): void;
}): JSX.Element {
  const { settings, onChange } = props;
  const change = (part: Partial<AccessSettings>): void => onChange({ ...settings, ...part });
  return (
    <>
      <div class="presets" role="group" aria-label="Settings to start from">
        {PRESETS.map((preset) => (
          <Button
            key={preset.name}
            pressed={JSON.stringify(preset.settings) === JSON.stringify(settings)}
            onClick={() => onChange(preset.settings)}
          >
            {preset.name}
          </Button>
        ))}
      </div>
      <Card title="Caller: who asks">
        <Ids
          identity={settings.caller}
          fields={CALLER_IDS}
          onChange={(caller) => change({ caller })}
        />
        <Caps identity={settings.caller} onChange={(caller) => change({ caller })} />
      </Card>
      <Card title="Target: who is looked into">
        <Ids
          identity={settings.target}
          fields={TARGET_IDS}
          onChange={(target) => change({ target })}
        />
        <Caps identity={settings.target} onChange={(target) => change({ target })} />
        <Check
          label="Its memory is dumpable"
          checked={settings.dumpable === 1}
          onChange={(checked) => change({ dumpable: checked ? 1 : 0 })}
        />
      </Card>
      <Card title="Between them">
        <div class="explain-asked">
          <Select
            label="Relation"
            value={settings.relation}
            options={RELATIONS}
            onChange={(relation) => change({ relation })}
          />
          <Select
            label="kernel.yama.ptrace_scope"
            value={settings.yama ?? -1}
            options={YAMA}
            onChange={(scope) => change({ yama: scope === -1 ? null : scope })}
          />
        </div>
      </Card>
    </>
  );
}

/** A field of ids: setting it sets all of `sets`. */
interface IdField {
  readonly label: string;
  readonly shows: keyof Identity & ('uid' | 'euid' | 'suid' | 'fsuid' | 'gid' | 'fsgid');
}

const CALLER_IDS: readonly IdField[] = [
  { label: 'Real uid', shows: 'uid' },
  { label: 'Fs uid', shows: 'fsuid' },
  { label: 'Real gid', shows: 'gid' },
  { label: 'Fs gid', shows: 'fsgid' },
];

const TARGET_IDS: readonly IdField[] = [
  { label: 'Real uid', shows: 'uid' },
  { label: 'Effective', shows: 'euid' },
  { label: 'Saved', shows: 'suid' },
  { label: 'Gid', shows: 'gid' },
];

function Ids(props: {
  readonly identity: Identity;
  readonly fields: readonly IdField[];
  onChange(identity: Identity): void;
}): JSX.Element {
  const { identity, fields, onChange } = props;
  return (
    <div class="explain-ids">
      {fields.map(({ label, shows }) => (
        <IdInput
          key={label}
          label={label}
          value={identity[shows]}
          onChange={(id) => onChange({ ...identity, [shows]: id })}
        />
      ))}
    </div>
  );
}

function IdInput(props: {
  readonly label: string;
  readonly value: number;
  onChange(id: number): void;
}): JSX.Element {
  const [text, setText] = useState(String(props.value));
  const wrong = problemOf(text);
  useEffect(() => {
    setText(String(props.value));
  }, [props.value]);
  return (
    <Field
      label={props.label}
      value={text}
      mono
      error={wrong}
      onInput={(typed) => {
        setText(typed);
        if (problemOf(typed) === null) props.onChange(Number(typed));
      }}
    />
  );
}

function problemOf(text: string): string | null {
  if (!/^\d+$/.test(text)) return 'A number';
  return Number(text) <= MAX_ID ? null : 'Too large';
}

const NAMED_CAPS = [
  [CAP_SYS_PTRACE, 'CAP_SYS_PTRACE'],
  [CAP_PERFMON, 'CAP_PERFMON'],
  [CAP_SYS_ADMIN, 'CAP_SYS_ADMIN'],
] as const;
const OTHER_CAPS = ALL_CAPS.filter((cap) => !NAMED_CAPS.some(([named]) => named === cap));

function Caps(props: {
  readonly identity: Identity;
  onChange(identity: Identity): void;
}): JSX.Element {
  const { identity, onChange } = props;
  const has = (caps: readonly number[]): boolean =>
    caps.every((cap) => identity.caps.includes(cap));
  const set = (caps: readonly number[], on: boolean): void => {
    const others = identity.caps.filter((cap) => !caps.includes(cap));
    onChange({ ...identity, caps: on ? [...others, ...caps].sort((a, b) => a - b) : others });
  };
  return (
    <fieldset class="explain-caps">
      <legend>Capabilities</legend>
      {NAMED_CAPS.map(([cap, name]) => (
        <Check key={cap} label={name} checked={has([cap])} onChange={(on) => set([cap], on)} />
      ))}
      <Check
        label={`the other ${OTHER_CAPS.length}`}
        checked={has(OTHER_CAPS)}
        onChange={(on) => set(OTHER_CAPS, on)}
      />
      <Check
        label="in a user namespace of its own"
        checked={identity.ownNamespace}
        onChange={(ownNamespace) => onChange({ ...identity, ownNamespace })}
      />
    </fieldset>
  );
}
