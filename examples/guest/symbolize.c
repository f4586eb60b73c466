#include "symbolize.h"
#include "runtime.h"

#include <elf.h>

// A line of /proc/self/maps that holds an address.
struct mapping {
  unsigned long start;
  char path[256];
};

struct reader {
  long file;
  unsigned long length, at;
  char buffer[512];
};

static int nextByte(struct reader *from) {
  if (from->at == from->length) {
    long length = readFile(from->file, from->buffer, sizeof from->buffer);
    if (length <= 0) return -1;
    from->length = length;
    from->at = 0;
  }
  return from->buffer[from->at++];
}

// Reads a number to the first character that is no hexadecimal digit.
static unsigned long hexNumber(struct reader *from) {
  unsigned long value = 0;
  while (1) {
    int digit = nextByte(from);
    if (digit >= '0' && digit <= '9') value = value * 16 + (digit - '0');
    else if (digit >= 'a' && digit <= 'f') value = value * 16 + (digit - 'a' + 10);
    else return value;
  }
}

// `start-end perms offset dev inode   path`: the first line of a file's that holds its ELF header is `base`.
static int findMapping(struct reader *maps, unsigned long pc, struct mapping *found) {
  while (1) {
    unsigned long start = hexNumber(maps), end = hexNumber(maps);
    if (end == 0) return 0;
    unsigned length = 0;
    int byte = nextByte(maps);
    while (byte != '\n' && byte != '/' && byte != -1) byte = nextByte(maps);
    for (; byte != '\n' && byte != -1; byte = nextByte(maps)) {
      if (length < sizeof found->path - 1) found->path[length++] = byte;
    }
    found->path[length] = 0;
    found->start = start;
    if (pc >= start && pc < end) return length > 0;
  }
}

// How far from its file's addresses the program is: 0, but for a position-independent one.
static int loadBias(long mem, unsigned long start, unsigned long *bias) {
  Elf64_Ehdr header;
  if (!readAt(mem, &header, sizeof header, start)) return 0;
  if (header.e_ident[0] != 0x7f || header.e_ident[1] != 'E') return 0;
  for (int i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr segment;
    if (!readAt(mem, &segment, sizeof segment, start + header.e_phoff + i * sizeof segment)) return 0;
    if (segment.p_type != PT_LOAD || segment.p_offset != 0) continue;
    *bias = start - segment.p_vaddr;
    return 1;
  }
  return 0;
}

static int printFrom(long file, const Elf64_Shdr *symbols, const Elf64_Shdr *names, unsigned long addr) {
  for (unsigned long at = 0; at < symbols->sh_size; at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    char name[128];
    if (!readAt(file, &symbol, sizeof symbol, symbols->sh_offset + at)) return 0;
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC) continue;
    if (addr < symbol.st_value || addr >= symbol.st_value + symbol.st_size) continue;
    unsigned length = 0;
    while (length < sizeof name - 1 &&
           readAt(file, name + length, 1, names->sh_offset + symbol.st_name + length) && name[length] != 0) {
      length++;
    }
    name[length] = 0;
    printText(name);
    return 1;
  }
  return 0;
}

static int printFromFile(long file, unsigned long addr) {
  Elf64_Ehdr header;
  if (!readAt(file, &header, sizeof header, 0)) return 0;
  for (int i = 0; i < header.e_shnum; i++) {
    Elf64_Shdr symbols, names;
    if (!readAt(file, &symbols, sizeof symbols, header.e_shoff + i * sizeof symbols)) return 0;
    if (symbols.sh_type != SHT_SYMTAB) continue;
    unsigned long linked = header.e_shoff + symbols.sh_link * sizeof names;
    return readAt(file, &names, sizeof names, linked) && printFrom(file, &symbols, &names, addr);
  }
  return 0;
}

static int printKnown(long maps, long mem, unsigned long pc) {
  struct reader reader;
  struct mapping found;
  unsigned long bias = 0;
  reader.file = maps;
  reader.length = reader.at = 0;
  if (!findMapping(&reader, pc, &found) || !loadBias(mem, found.start, &bias)) return 0;
  long file = openFile(found.path);
  if (file < 0) return 0;
  int known = printFromFile(file, pc - bias);
  closeFile(file);
  return known;
}

void printSymbol(unsigned long pc) {
  long maps = openFile("/proc/self/maps"), mem = openFile("/proc/self/mem");
  if (maps < 0 || mem < 0 || !printKnown(maps, mem, pc)) printText("(unknown)");
  if (maps >= 0) closeFile(maps);
  if (mem >= 0) closeFile(mem);
}
