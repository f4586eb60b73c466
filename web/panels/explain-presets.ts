import type { AccessSettings, Identity } from '../worker/explain-world.js';

/** include/uapi/linux/capability.h */
export const CAP_SYS_PTRACE = 19;
export const CAP_SYS_ADMIN = 21;
export const CAP_PERFMON = 38;
/** CAP_CHOWN to CAP_CHECKPOINT_RESTORE. */
export const ALL_CAPS: readonly number[] = Array.from({ length: 41 }, (_, cap) => cap);

/** What a user of an id usually is: root has every capability, others none. */
function usual(id: number, caps: readonly number[] = id === 0 ? ALL_CAPS : []): Identity {
  const ids = { uid: id, euid: id, suid: id, fsuid: id, gid: id, fsgid: id };
  return { ...ids, caps, ownNamespace: false };
}

const SAME: AccessSettings = {
  caller: usual(1000),
  target: usual(1000),
  dumpable: 1,
  relation: 'none',
  yama: null,
};

/** Settings worth a look, by name. */
export const PRESETS = [
  { name: 'Same user', settings: SAME },
  { name: 'Another user', settings: { ...SAME, caller: usual(1001) } },
  { name: 'Root', settings: { ...SAME, caller: usual(0) } },
  { name: 'Not dumpable', settings: { ...SAME, dumpable: 0 } },
  {
    name: 'Set-user-ID target',
    settings: {
      ...SAME,
      target: { ...usual(1000, ALL_CAPS), euid: 0, suid: 0, fsuid: 0 },
      dumpable: 0,
    },
  },
  { name: 'Yama 1, unrelated', settings: { ...SAME, yama: 1 } },
  { name: 'Yama 1, its parent', settings: { ...SAME, yama: 1, relation: 'parent' } },
  {
    name: 'Tracer with one capability',
    settings: { ...SAME, caller: usual(1001, [CAP_SYS_PTRACE]), dumpable: 0 },
  },
  {
    name: 'Root of its own namespace',
    settings: { ...SAME, caller: { ...usual(1001, ALL_CAPS), ownNamespace: true } },
  },
] as const satisfies readonly { readonly name: string; readonly settings: AccessSettings }[];
