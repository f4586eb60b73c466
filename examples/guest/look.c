// A program to talk to: it looks into itself through /proc/self/mem, and says what Linux answers.
#include "runtime.h"

enum { LINE = 128, BYTES = 16 };

static const char usage[] =
    "  maps      what is mapped\n"
    "  ADDRESS   16 bytes there, read through /proc/self/mem\n"
    "  spin      compute for ever\n"
    "  quit\n";

// One line without its end; false at the end of the input.
static int readLine(char *line) {
  int length = 0;
  char next;
  while (readFile(0, &next, 1) == 1) {
    if (next == '\n') {
      line[length] = 0;
      return 1;
    }
    if (length < LINE - 1) line[length++] = next;
  }
  return 0;
}

static void printMaps(void) {
  char text[256];
  long file = openFile("/proc/self/maps"), length;
  while ((length = readFile(file, text, sizeof text - 1)) > 0) {
    text[length] = 0;
    printText(text);
  }
  closeFile(file);
}

// A hexadecimal number, with 0x or without; false for anything else.
static int parseAddress(const char *text, unsigned long *address) {
  if (text[0] == '0' && text[1] == 'x') text += 2;
  if (*text == 0) return 0;
  for (*address = 0; *text != 0; text++) {
    unsigned digit = (unsigned char)*text - '0', letter = ((unsigned char)*text | 32) - 'a';
    if (digit > 9 && letter > 5) return 0;
    *address = *address << 4 | (digit <= 9 ? digit : letter + 10);
  }
  return 1;
}

static void printBytes(unsigned long address) {
  unsigned char bytes[BYTES];
  long file = openFile("/proc/self/mem");
  if (file < 0) {
    printText("There is no /proc/self/mem.\n");
    return;
  }
  if (readAt(file, bytes, BYTES, address)) {
    char text[2] = {0, 0};
    for (int i = 0; i < BYTES; i++) {
      printNumber(bytes[i], 16, 2);
      printText(" ");
    }
    for (int i = 0; i < BYTES; i++) {
      text[0] = bytes[i] >= ' ' && bytes[i] < 127 ? (char)bytes[i] : '.';
      printText(text);
    }
    printText("\n");
  } else {
    printText("Nothing can be read there.\n");
  }
  closeFile(file);
}

NOINLINE static void spin(void) {
  for (volatile unsigned long turns = 0;; turns++) {
  }
}

int main(void) {
  char line[LINE];
  unsigned long address;
  printText(usage);
  for (;;) {
    printText("look> ");
    if (!readLine(line) || sameText(line, "quit")) return 0;
    if (sameText(line, "maps")) printMaps();
    else if (sameText(line, "spin")) spin();
    else if (parseAddress(line, &address)) printBytes(address);
    else printText(usage);
  }
}
