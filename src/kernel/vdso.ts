import { EINVAL } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { NO_LIMITS } from '../mm/limits.js';
import type { MapFile } from '../mm/map-file.js';
import type { Mm } from '../mm/mm.js';
import { PageCache, type PageCacheOptions } from '../mm/page-cache.js';
import { placeMapping } from '../mm/placement.js';
import { installSpecialMapping } from '../mm/special.js';
import type { Core } from '../wasm/core.js';
import { VDSO_RISCV64, VDSO_X86_64 } from './vdso-arch.js';
import { makeVdsoImage } from './vdso-image.js';

/** VDSO_NR_PAGES and VDSO_NR_VCLOCK_PAGES: pages of data, and of the hypervisors' clocks. */
const VVAR_SIZE = 4 * PAGE_SIZE;
const VCLOCK_SIZE = 2 * PAGE_SIZE;

const VVAR_FLAGS = vm.VM_READ | vm.VM_MAYREAD | vm.VM_IO | vm.VM_DONTDUMP | vm.VM_PFNMAP;
const VDSO_FLAGS = vm.VM_READ | vm.VM_EXEC | vm.VM_MAYREAD | vm.VM_MAYWRITE | vm.VM_MAYEXEC;

/** The pages of [vdso], one set for all processes of a machine; there only while somebody maps them. */
export class Vdso implements MapFile {
  readonly vmFlags = 0;
  /** Asked of shared mappings only. */
  readonly syncs = true;
  /** Whose code it is. */
  readonly arch: 'x86_64' | 'riscv64';
  private readonly core: Core;
  private pages: PageCache | null = null;
  private image: Uint8Array | null = null;
  private users = 0;

  /** Makes an image of which nothing is in the machine's memory yet. */
  constructor(core: Core, arch: 'x86_64' | 'riscv64') {
    this.core = core;
    this.arch = arch;
  }

  /** @throws {LinuxError} ENOMEM: no room for its head */
  get mapping(): PageCache {
    this.pages ??= this.load();
    return this.pages;
  }

  /** Bytes: whole pages. */
  get size(): number {
    return this.bytes().length;
  }

  /** The image. */
  bytes(): Uint8Array {
    this.image ??= makeVdsoImage(this.arch === 'riscv64' ? VDSO_RISCV64 : VDSO_X86_64);
    return this.image;
  }

  private load(): PageCache {
    const pages = new PageCache(this.core, new VdsoPages(this));
    pages.resize(this.size);
    return pages;
  }

  /** No file: MADV_REMOVE is refused before it comes here. @throws {LinuxError} EINVAL */
  punchHole(): void {
    fail(EINVAL);
  }

  get(): void {
    this.users++;
  }

  put(): void {
    if (--this.users > 0) return;
    this.pages?.free();
    this.pages = null;
  }
}

/** Where its pages come from. */
export class VdsoPages implements PageCacheOptions {
  readonly kind = 'host';
  private readonly vdso: Vdso;

  constructor(vdso: Vdso) {
    this.vdso = vdso;
  }

  fill(index: number, page: Uint8Array): void {
    page.set(this.vdso.bytes().subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE));
  }
}

/** Maps one part of [vvar]; errors as installSpecialMapping(). */
export function mapVvar(mm: Mm, start: number, end: number, vclock: boolean): void {
  const name = vclock ? vm.SPECIAL_VVAR_VCLOCK : vm.SPECIAL_VVAR;
  installSpecialMapping(mm, { start, end, flags: VVAR_FLAGS }, name);
}

/** Maps a file as [vdso]; errors as installSpecialMapping(). */
export function mapVdsoText(mm: Mm, start: number, end: number, file: MapFile): void {
  installSpecialMapping(mm, { start, end, flags: VDSO_FLAGS }, vm.SPECIAL_VDSO, file);
}

/**
 * Maps [vvar], on x86-64 [vvar_vclock], and [vdso] in a row where a hint of 0 leads; returns the address of the
 * last, which AT_SYSINFO_EHDR tells. The data pages say that no clock can be read without a call.
 *
 * @throws {LinuxError} ENOMEM: no room; the caller then drops the whole memory
 * @see arch/x86/entry/vdso/vma.c, map_vdso()
 */
export function mapVdso(mm: Mm, vdso: Vdso): number {
  vdso.get();
  try {
    const clocks = vdso.arch === 'x86_64' ? VCLOCK_SIZE : 0;
    const length = VVAR_SIZE + clocks + vdso.size;
    const start = placeMapping(mm, { addr: 0, flags: 0 }, length, NO_LIMITS);
    const vclock = start + VVAR_SIZE;
    const text = vclock + clocks;
    mapVdsoText(mm, text, start + length, vdso);
    mapVvar(mm, start, vclock, false);
    if (clocks > 0) mapVvar(mm, vclock, text, true);
    return text;
  } finally {
    vdso.put(); // the mapping holds a reference of its own
  }
}
