import type { Generator } from './generator.js';
import { creds } from './creds.js';
import { fds } from './fds.js';
import { files } from './files.js';
import { forkcow } from './forkcow.js';
import { grow } from './grow.js';
import { lifecycle } from './lifecycle.js';
import { memrw } from './memrw.js';
import { offsets } from './offsets.js';
import { opens } from './opens.js';
import { residency } from './residency.js';
import { exotic, special, watched } from './special.js';
import { threads } from './threads.js';
import { tracing } from './tracing.js';
import { vma } from './vma.js';
import { remaps } from './remaps.js';
import { advices } from './advices.js';
import { locks } from './locks.js';
import { mmaps } from './mmaps.js';
import { merges } from './merges.js';
import { limits } from './limits.js';
import { memfds } from './memfds.js';
import { guards } from './guards.js';
import { jumble } from './jumble.js';
import { keys } from './keys.js';
import { scans } from './scans.js';
import { stops } from './stops.js';
import { domains } from './domains.js';
import { handles } from './handles.js';
import { prctls } from './prctls.js';
import { procs } from './procs.js';
import { crowd } from './crowd.js';
import { stacks } from './stacks.js';
import { idmaps } from './idmaps.js';
import { uffds } from './uffds.js';

/** Every generator. */
export const GENERATORS: readonly Generator[] = [
  memrw,
  forkcow,
  creds,
  lifecycle,
  threads,
  offsets,
  vma,
  opens,
  grow,
  tracing,
  residency,
  special,
  exotic,
  watched,
  fds,
  files,
  remaps,
  advices,
  locks,
  mmaps,
  merges,
  limits,
  memfds,
  guards,
  keys,
  scans,
  stops,
  domains,
  handles,
  prctls,
  procs,
  crowd,
  stacks,
  idmaps,
  uffds,
  jumble,
];
