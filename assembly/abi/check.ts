// The layouts that both languages rely on, proved at compile time. Imported by index.ts: in a file that
// the entry does not reach these checks would silently vanish.
import { Mapping, VmFile } from '../mm/mapping';
import { Mm } from '../mm/mm';
import { Vma } from '../mm/vma';
import * as layout from './layout';

export function checkLayouts(): void {
  if (offsetof<Vma>('start') != layout.VMA_START) ERROR('VMA_START');
  if (offsetof<Vma>('end') != layout.VMA_END) ERROR('VMA_END');
  if (offsetof<Vma>('pgoff') != layout.VMA_PGOFF) ERROR('VMA_PGOFF');
  if (offsetof<Vma>('flags') != layout.VMA_FLAGS) ERROR('VMA_FLAGS');
  if (offsetof<Vma>('anonVma') != layout.VMA_ANON_VMA) ERROR('VMA_ANON_VMA');
  if (offsetof<Vma>('name') != layout.VMA_NAME) ERROR('VMA_NAME');
  if (offsetof<Vma>('softDirty') != layout.VMA_SOFT_DIRTY) ERROR('VMA_SOFT_DIRTY');
  if (offsetof<Vma>('file') != layout.VMA_FILE) ERROR('VMA_FILE');
  if (offsetof<Vma>('mapping') != layout.VMA_MAPPING) ERROR('VMA_MAPPING');
  if (offsetof<Vma>('next') != layout.VMA_NEXT) ERROR('VMA_NEXT');
  if (offsetof<Vma>('maxGap') != layout.VMA_MAX_GAP) ERROR('VMA_MAX_GAP');
  if (offsetof<Vma>('mm') != layout.VMA_MM) ERROR('VMA_MM');
  if (offsetof<Vma>('left') != layout.VMA_LEFT) ERROR('VMA_LEFT');
  if (offsetof<Vma>('right') != layout.VMA_RIGHT) ERROR('VMA_RIGHT');
  if (offsetof<Vma>('prev') != layout.VMA_PREV) ERROR('VMA_PREV');
  if (offsetof<Vma>('uffd') != layout.VMA_UFFD) ERROR('VMA_UFFD');
  if (offsetof<Vma>('mapNext') != layout.VMA_MAP_NEXT) ERROR('VMA_MAP_NEXT');
  if (offsetof<Vma>('parent') != layout.VMA_PARENT) ERROR('VMA_PARENT');
  if (offsetof<Mm>('pgd') != layout.MM_PGD) ERROR('MM_PGD');
  if (offsetof<Mm>('root') != layout.MM_ROOT) ERROR('MM_ROOT');
  if (offsetof<Mapping>('root') != layout.MAPPING_ROOT) ERROR('MAPPING_ROOT');
  if (offsetof<Mapping>('levels') != layout.MAPPING_LEVELS) ERROR('MAPPING_LEVELS');
  if (offsetof<Mapping>('vmas') != layout.MAPPING_VMAS) ERROR('MAPPING_VMAS');
  if (offsetof<VmFile>('id') != layout.VM_FILE_ID) ERROR('VM_FILE_ID');
  if (offsetof<Mm>('first') != layout.MM_FIRST) ERROR('MM_FIRST');
  if (offsetof<Mm>('mapCount') != layout.MM_MAP_COUNT) ERROR('MM_MAP_COUNT');
  if (offsetof<Mm>('tables') != layout.MM_TABLES) ERROR('MM_TABLES');
  if (offsetof<Mm>('rssAnon') != layout.MM_RSS_ANON) ERROR('MM_RSS_ANON');
  if (offsetof<Mm>('rssFile') != layout.MM_RSS_FILE) ERROR('MM_RSS_FILE');
  if (offsetof<Mm>('rssShmem') != layout.MM_RSS_SHMEM) ERROR('MM_RSS_SHMEM');
  if (offsetof<Mm>('hiwaterRss') != layout.MM_HIWATER_RSS) ERROR('MM_HIWATER_RSS');
  if (offsetof<Mm>('totalVm') != layout.MM_TOTAL_VM) ERROR('MM_TOTAL_VM');
  if (offsetof<Mm>('hiwaterVm') != layout.MM_HIWATER_VM) ERROR('MM_HIWATER_VM');
  if (offsetof<Mm>('dataVm') != layout.MM_DATA_VM) ERROR('MM_DATA_VM');
  if (offsetof<Mm>('execVm') != layout.MM_EXEC_VM) ERROR('MM_EXEC_VM');
  if (offsetof<Mm>('stackVm') != layout.MM_STACK_VM) ERROR('MM_STACK_VM');
  if (offsetof<Mm>('lockedVm') != layout.MM_LOCKED_VM) ERROR('MM_LOCKED_VM');
  if (offsetof<Mm>('salt') != layout.MM_SALT) ERROR('MM_SALT');
  if (offsetof<Mm>('watches') != layout.MM_WATCHES) ERROR('MM_WATCHES');
  if (offsetof<Mapping>('size') != layout.MAPPING_SIZE) ERROR('MAPPING_SIZE');
  if (offsetof<Mapping>('nrPages') != layout.MAPPING_NR_PAGES) ERROR('MAPPING_NR_PAGES');
  if (offsetof<Mapping>('writable') != layout.MAPPING_WRITABLE) ERROR('MAPPING_WRITABLE');
}
