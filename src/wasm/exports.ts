// Made by tools/core-exports.mjs from assembly/index.ts, where each export is explained.

/** The core's exports: addresses of guest memory are f64, places in linear memory and counts i32. */
export interface CoreExports {
  init(limit: number): number;

  bounceBuffer(): number;

  runList(): number;

  tlbTable(which: number): number;

  framesInUse(): number;

  heldFrames(): number;

  takeFaults(major: boolean): number;

  ranShort(): boolean;

  setAllocBudget(budget: number): void;

  setUsesZeroPage(on: boolean): void;

  mmNew(mmapBase: number): number;

  mmDup(child: number, parent: number): number;

  mmExit(mm: number): void;

  mmKeepSalt(mm: number): void;

  setGrowthLimit(mm: number, bytes: number): void;

  setMmapMinAddr(minAddr: number): void;

  mappingNew(kind: number, id: number): number;

  mappingFree(mapping: number): void;

  mappingSetSize(mapping: number, size: number): void;

  mappingPunch(mapping: number, start: number, end: number): void;

  mappingFind(mapping: number, index: number): number;

  mappingNext(mapping: number, index: number): number;

  mappingGrab(mapping: number, index: number, zero: boolean): number;

  mappingReserve(mapping: number, index: number): number;

  mappingDirty(frame: number): void;

  mappingDrop(mapping: number, index: number): void;

  mappingTestDirty(mapping: number, index: number, clean: boolean): boolean;

  mappingInvalidate(mapping: number, index: number): void;

  mappingReclaim(mapping: number): number;

  neededMapping(): number;

  neededPage(): number;

  fileNew(mapping: number, id: number): number;

  fileGet(file: number): void;

  filePut(file: number): void;

  takeReleasedFile(): number;

  mmapAnonymous(
    mm: number,
    hint: number,
    length: number,
    flags: number,
    how: number,
    aligns: boolean,
    minAddr: number,
    maxMaps: number,
  ): number;

  munmap(mm: number, addr: number, length: number, maxMaps: number): number;

  setupRegion(
    mm: number,
    start: number,
    end: number,
    flags: number,
    sharedZero: boolean,
    maxMaps: number,
  ): number;

  setSpaceLimits(as: number, soft: number, hard: number): void;

  setCommitLimits(single: number, all: number): void;

  committedPages(): number;

  mayExpandVm(mm: number, flags: number, pages: number): boolean;

  enoughMemory(mm: number, pages: number): boolean;

  mapRegion(
    mm: number,
    start: number,
    end: number,
    flags: number,
    file: number,
    pgoff: number,
    name: number,
    maxMaps: number,
  ): number;

  unmapRegion(mm: number, start: number, end: number, maxMaps: number): number;

  protectRegion(
    mm: number,
    start: number,
    end: number,
    prot: number,
    readExecutes: boolean,
    deniesExec: boolean,
    maxMaps: number,
  ): number;

  expandInPlace(mm: number, vma: number, end: number): void;

  moveRegion(
    mm: number,
    vma: number,
    from: number,
    oldLen: number,
    to: number,
    newLen: number,
    keep: boolean,
    maxMaps: number,
  ): number;

  getUnmappedArea(mm: number, hint: number, len: number, how: number, within: number): number;

  vmaFind(mm: number, addr: number): number;

  dontNeed(mm: number, start: number, end: number, refused: number): number;

  changeFlags(
    mm: number,
    vma: number,
    start: number,
    end: number,
    set: number,
    clear: number,
    maxMaps: number,
  ): number;

  installGuard(mm: number, vma: number, start: number, end: number): number;

  cleanRange(mm: number, start: number, end: number): void;

  pageOut(mm: number, vma: number, start: number, end: number, anonOnly: boolean): void;

  removeGuard(mm: number, start: number, end: number): void;

  populateRange(mm: number, start: number, end: number, write: boolean): number;

  pagemap(mm: number, addr: number, count: number, out: number): void;

  vmaPages(mm: number, vma: number): number;

  categoryRun(mm: number, addr: number, end: number, softDirty: boolean): number;

  categoryOfRun(): number;

  clearReferenced(mm: number, vma: number): void;

  markSoftDirty(mm: number, addr: number, count: number, out: number): void;

  clearSoftDirty(mm: number, vma: number): void;

  resetHiwaterRss(mm: number): void;

  readableEdge(
    mm: number,
    addr: number,
    end: number,
    cpu: boolean,
    gupFlags: number,
    wanted: boolean,
  ): number;

  countFrames(): number;

  accessRemoteVm(
    mm: number,
    addr: number,
    buf: number,
    len: number,
    gupFlags: number,
    stackLimit: number,
  ): number;

  gupStop(): number;

  accessRuns(
    mm: number,
    addr: number,
    len: number,
    gupFlags: number,
    stackLimit: number,
    grows: boolean,
  ): number;

  memRw(
    mm: number,
    addr: number,
    local: number,
    buf: number,
    count: number,
    from: number,
    gupFlags: number,
    stackLimit: number,
  ): number;

  memRwDone(): number;

  readyPlace(mm: number, addr: number, len: number, write: boolean): number;

  copyPlaces(to: number, from: number, len: number): void;

  setMemRwDone(bytes: number): void;

  processVmCopy(
    remote: number,
    remoteAddr: number,
    local: number,
    localAddr: number,
    len: number,
    write: boolean,
    stackLimit: number,
    segment: number,
  ): number;

  processVmStop(): number;

  setProcessVmStop(side: number): void;

  markFrames(): number;

  framesEnd(): number;

  growFramesTo(end: number): number;

  setCheckpoints(on: boolean): void;

  keepPage(frame: number): void;

  takeCopy(): number;

  takeCopyFailure(): boolean;

  dropCopy(copy: number): void;

  rebuildFree(): void;

  saveState(): number;

  loadState(): void;

  hashStart(): void;

  hashPages(at: number, count: number): void;

  hashEnd(): bigint;

  userRuns(mm: number, addr: number, len: number, write: boolean, stackLimit: number): number;

  copyFromUser(mm: number, addr: number, to: number, len: number, stackLimit: number): number;

  lastFault(): number;

  lastFaultAddr(): number;

  load8(mm: number, addr: number, stackLimit: number): number;

  load16(mm: number, addr: number, stackLimit: number): number;

  load32(mm: number, addr: number, stackLimit: number): number;

  load64(mm: number, addr: number, stackLimit: number): bigint;

  store8(mm: number, addr: number, value: number, stackLimit: number): void;

  store16(mm: number, addr: number, value: number, stackLimit: number): void;

  store32(mm: number, addr: number, value: number, stackLimit: number): void;

  store64(mm: number, addr: number, value: bigint, stackLimit: number): void;

  userfaultMm(): number;

  userfaultUffd(): number;

  userfaultAddr(): number;

  userfaultFlags(): number;

  uffdFill(
    mm: number,
    start: number,
    end: number,
    kind: number,
    wp: boolean,
    mmFrom: number,
    from: number,
    stackLimit: number,
  ): number;

  uffdFillStop(): number;

  uffdMove(
    mm: number,
    number: number,
    dst: number,
    src: number,
    length: number,
    holes: boolean,
  ): number;

  uffdWriteProtect(mm: number, start: number, end: number, protect: boolean): number;

  uffdRegister(mm: number, start: number, end: number, uffd: number, maxMaps: number): number;

  uffdRelease(mm: number, number: number): void;

  isShmem(vma: number): boolean;

  clearWatches(mm: number): number;

  addWatch(mm: number, which: number, start: number, end: number): void;

  dropWatches(mm: number): void;

  isWatched(mm: number, addr: number, which: number): boolean;

  passWatches(on: boolean): void;

  failAccess(addr: number): void;

  hartState(): number;

  hartRun(mm: number, fuel: number, stackLimit: number): number;

  hartHeat(): number;

  hartFetch(mm: number, pc: number, stackLimit: number): number;

  hartExpand(insn: number): number;

  hartCombine(funct5: number, old: bigint, operand: bigint): bigint;

  passFetches(on: boolean): void;

  regionPlace(mm: number, addr: bigint, size: number, write: boolean): number;

  regionArithmetic(up: number): boolean;

  regionFloat(up: number): boolean;

  regionMulh(how: number, a: bigint, b: bigint): bigint;

  dropCode(): void;

  decodedPages(): number;
}
