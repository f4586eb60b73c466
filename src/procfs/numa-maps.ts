import type { MmStruct } from '../kernel/mm-struct.js';
import type { VmaInfo } from '../mm/mm.js';
import { vmaStats } from '../mm/pagemap.js';
import type { FileOperations } from '../vfs/file.js';
import { vmaListOperations } from './maps.js';
import { filePath, vmaFile } from './vma-text.js';

/** What a mapping is, as the second part of its line. */
function kind(vma: VmaInfo): string {
  const file = vmaFile(vma);
  // seq_file_path(): these four would break the line apart.
  if (file !== null) return ` file=${filePath(file, '\n\t= ')}`;
  if (vma.name === '[heap]') return ' heap';
  return vma.name === '[stack]' ? ' stack' : '';
}

/**
 * One mapping and its pages on node 0, the only one. Pages of host files count as active, those
 * made here as not: a page becomes active by more than one use, which nobody counts.
 * @see fs/proc/task_mmu.c show_numa_map()
 */
function showNumaMap(mm: MmStruct, vma: VmaInfo): string {
  const pages = vmaStats(mm, vma);
  const head = `${vma.start.toString(16).padStart(8, '0')} default${kind(vma)}`;
  if (pages.rss === 0) return `${head}\n`;
  const parts: string[] = [];
  const dirty = pages.privateDirty + pages.sharedDirty;
  const active = pages.pssFile === 0 ? 0 : pages.rss - pages.anonymous;
  if (pages.anonymous > 0) parts.push(`anon=${pages.anonymous}`);
  if (dirty > 0) parts.push(`dirty=${dirty}`);
  if (pages.rss !== pages.anonymous && pages.rss !== dirty) parts.push(`mapped=${pages.rss}`);
  if (pages.mapcountMax > 1) parts.push(`mapmax=${pages.mapcountMax}`);
  if (active < pages.rss) parts.push(`active=${active}`);
  parts.push(`N0=${pages.rss}`, 'kernelpagesize_kB=4');
  return `${head} ${parts.join(' ')}\n`;
}

/** /proc/PID/numa_maps (fs/proc/task_mmu.c proc_pid_numa_maps_operations). */
export const numaMapsOperations: FileOperations = vmaListOperations({ vma: showNumaMap, gate: '' });
