// The export list: what is not here does not cross. Addresses and lengths of guest memory cross as f64,
// which holds every user address exactly, so that JavaScript never makes a BigInt for one; places in
// linear memory and counts are i32. The core never throws: each function tells its error values.
import { checkLayouts } from './abi/check';

checkLayouts();

export {
  init,
  bounceBuffer,
  runList,
  tlbTable,
  framesInUse,
  setAllocBudget,
  setUsesZeroPage,
} from './boundary/machine';
export { mmNew, mmDup, mmExit, setGrowthLimit, setMmapMinAddr } from './boundary/space';
export {
  mappingNew,
  mappingFree,
  mappingSetSize,
  mappingPunch,
  mappingFind,
  mappingNext,
  mappingGrab,
  mappingReserve,
  mappingDirty,
  mappingDrop,
  neededMapping,
  neededPage,
  fileNew,
  fileGet,
  filePut,
  takeReleasedFile,
} from './boundary/file';
export {
  cutRange,
  pagesWithin,
  setSpaceLimits,
  setCommitLimits,
  committedPages,
  mayExpandVm,
  enoughMemory,
  mapRegion,
  unmapRegion,
  protectRegion,
  expandInPlace,
  moveRegion,
  unmappedArea,
  mmapBase,
  isFree,
  vmaFind,
  dropRange,
  changeFlags,
  installGuard,
  cleanRange,
  pageOut,
  removeGuard,
  populateRange,
} from './boundary/mapping';
export {
  pagemap,
  vmaPages,
  categoryRun,
  categoryOfRun,
  clearReferenced,
  resetHiwaterRss,
  countFrames,
} from './boundary/report';
export {
  accessRemoteVm,
  gupStop,
  accessRuns,
  memRw,
  memRwDone,
  processVmCopy,
} from './boundary/access';
export {
  userRuns,
  copyFromUser,
  lastFault,
  lastFaultAddr,
  load8,
  load16,
  load32,
  load64,
  store8,
  store16,
  store32,
  store64,
} from './boundary/cpu';
export { hartState, hartRun, dropCode, decodedPages } from './boundary/hart';
