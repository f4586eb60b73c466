// A thumbnailer of scanned postcards, and a real bug: it trusts every picture to bring a palette.
// The third card of the album was saved without one, and the first pixel looks up its colour in nothing.
#include "runtime.h"

namespace postcard {

struct Colour {
  u8 red, green, blue, alpha;
};

struct Palette {
  Colour entries[4];
  __attribute__((noinline)) Colour colourOf(u8 index) const;
};

struct Bytes {
  const u8 *data;
  u32 length;
};

struct Canvas {
  u32 width, height;
  Colour *pixels;
};

/// Paints runs of one colour, left to right, top to bottom.
struct Painter {
  Canvas &canvas;
  const Palette *palette;
  u32 position;
  __attribute__((noinline)) void paintRun(u8 index, u32 length);
};

/// Reads a picture: chunks of a tag, a length and that many bytes.
///   'H' width height   'P' colours   'R' runs of (length, colour index)
class Decoder {
public:
  explicit Decoder(Bytes file) : file(file) {}
  __attribute__((noinline)) bool decodeInto(Canvas &canvas) const;

private:
  __attribute__((noinline)) Bytes chunk(u8 tag) const;
  template <typename Sink> __attribute__((noinline)) u32 forEachRun(Bytes rows, Sink &sink) const;
  Bytes file;
};

Colour Palette::colourOf(u8 index) const { return entries[index & 3]; }

void Painter::paintRun(u8 index, u32 length) {
  const u32 end = position + length;
  while (position < end && position < canvas.width * canvas.height) {
    canvas.pixels[position++] = palette->colourOf(index);
  }
}

Bytes Decoder::chunk(u8 tag) const {
  for (u32 at = 0; at + 2 <= file.length; at += 2 + file.data[at + 1]) {
    if (file.data[at] == tag) return {file.data + at + 2, file.data[at + 1]};
  }
  return {nullptr, 0};
}

template <typename Sink> u32 Decoder::forEachRun(Bytes rows, Sink &sink) const {
  u32 runs = 0;
  for (u32 at = 0; at + 2 <= rows.length; at += 2, runs++) {
    sink.paintRun(rows.data[at + 1], rows.data[at]);
  }
  return runs;
}

bool Decoder::decodeInto(Canvas &canvas) const {
  const Bytes header = chunk('H');
  if (header.length < 2) return false;
  canvas.width = header.data[0];
  canvas.height = header.data[1];
  canvas.pixels = (Colour *)allocate(canvas.width * canvas.height * sizeof(Colour));
  Painter painter{canvas, (const Palette *)chunk('P').data, 0};
  return forEachRun(chunk('R'), painter) > 0;
}

} // namespace postcard

namespace {

struct Progress {
  volatile u32 done;
  u32 total;
};

__attribute__((noinline)) void watchProgress(Progress *progress) {
  while (progress->done < progress->total) sleepMilliseconds(50);
}

__attribute__((noinline)) bool makeThumbnail(const postcard::Bytes &file, Progress &progress) {
  postcard::Canvas canvas{};
  const bool ok = postcard::Decoder(file).decodeInto(canvas);
  progress.done = progress.done + 1;
  return ok;
}

} // namespace

/// Makes the thumbnails of an album, one after the other: a card is its length, then that many bytes.
__attribute__((noinline)) u32 makeAlbum(postcard::Bytes album) {
  static Progress progress;
  progress.total = album.length;
  startThread((void (*)(void *))watchProgress, &progress);
  sleepMilliseconds(5);
  u32 made = 0;
  for (u32 at = 0; at < album.length; at += 1 + album.data[at]) {
    made += makeThumbnail({album.data + at + 1, album.data[at]}, progress);
  }
  return made;
}

#define PALETTE 'P', 16, 20, 40, 90, 255, 240, 230, 200, 255, 200, 60, 40, 255, 60, 90, 50, 255

int main() {
  static const u8 album[] = {
      30, 'H', 2, 8, 4, PALETTE, 'R', 6, 12, 0, 8, 1, 12, 2, // the harbour
      28, 'H', 2, 6, 6, PALETTE, 'R', 4, 18, 2, 18, 1,       // the market
      12, 'H', 2, 8, 8, 'R', 6, 24, 1, 16, 2, 24, 0,         // the lighthouse
  };
  print("thumbnail: 3 postcards\n");
  return makeAlbum({album, sizeof album}) == 3 ? 0 : 1;
}
