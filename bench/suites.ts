// The suites that ask nothing of the host but their baselines, in the order of the tables.
import type { Suite } from './bench.js';
import { checkpointSuite, restoreSuite, snapshotSuite } from './checkpoint.js';
import { copySuite } from './copy.js';
import { faultSuite } from './fault.js';
import { floorSuite } from './floor.js';
import { forkSuite, forkTouchSuite } from './fork.js';
import { loadSuite } from './load.js';
import { mmapSuite } from './mmap.js';
import { readFragSuite, readSuite } from './read.js';
import { startSuite } from './start.js';
import { tasksSuite } from './tasks.js';
import { writeSuite } from './write.js';

export const BROWSER_SUITES: readonly Suite[] = [
  readSuite,
  readFragSuite,
  writeSuite,
  copySuite,
  floorSuite,
  loadSuite,
  forkSuite,
  forkTouchSuite,
  faultSuite,
  checkpointSuite,
  restoreSuite,
  snapshotSuite,
  mmapSuite,
  tasksSuite,
  startSuite,
];
