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
];
