#include "audio/mpeg_frames.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How far after the tags the first frame may begin, and how far after a damaged frame the next one. */
#define SEARCH_MOST 65536
#define SEARCH_BLOCK 1024

/* A frame, according to its header of four bytes. */
typedef struct frame {
    uint32_t head;
    int64_t bytes;
    int samples, rate;
    int side; /* length of layer III's side information */
} frame;

static bool read_at(int descriptor, int64_t at, void *bytes, size_t count)
{
    return pread(descriptor, bytes, count, (off_t)at) == (ssize_t)count;
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* ---------------------------------------------------------------- a header */

/* kbit/s of MPEG-1's layers I, II and III, and of MPEG-2's I and II/III (ISO 11172-3, 13818-3). */
static const int kilobits[5][15] = {
    {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
    {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
    {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
    {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
    {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
};

/* False if it is not a header, or is of the free format, whose frames do not tell their length. */
static bool read_header(uint32_t head, frame *f)
{
    static const int rates[3] = {44100, 48000, 32000};
    int version = head >> 19 & 3, layer = 4 - (head >> 17 & 3), rate = head >> 10 & 3, bits = head >> 12 & 15,
        padding = head >> 9 & 1;
    bool first = version == 3, mono = (head >> 6 & 3) == 3;
    if (head >> 21 != 0x7FF || version == 1 || layer == 4 || rate == 3 || bits == 0 || bits == 15)
        return false;
    int row = first ? layer - 1 : layer == 1 ? 3 : 4;
    f->head = head;
    f->rate = rates[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    f->samples = layer == 1 ? 384 : layer == 3 && !first ? 576 : 1152;
    f->side = first ? (mono ? 17 : 32) : (mono ? 9 : 17);
    int64_t slot = layer == 1 ? 4 : 1;
    f->bytes = ((int64_t)f->samples / 8 * kilobits[row][bits] * 1000 / f->rate / slot + padding) * slot;
    return true;
}

static bool read_frame(int descriptor, int64_t at, frame *f)
{
    unsigned char bytes[4];
    return read_at(descriptor, at, bytes, sizeof bytes) && read_header(big_endian(bytes), f);
}

/* Frames of one stream have version, layer and rate in common. */
static bool alike(const frame *a, const frame *b)
{
    return ((a->head ^ b->head) & 0xFFFE0C00) == 0;
}

/* ---------------------------------------------------------------- between frames */

/* The length of the tag at this position; 0: no tag. */
static int64_t tag_bytes(int descriptor, int64_t at)
{
    unsigned char b[32];
    if (read_at(descriptor, at, b, 10) && memcmp(b, "ID3", 3) == 0) /* sizes in four times seven bits */
        return 10 + ((int64_t)(b[6] & 127) << 21 | (b[7] & 127) << 14 | (b[8] & 127) << 7 | (b[9] & 127)) +
               (b[5] & 16 ? 10 : 0);
    if (read_at(descriptor, at, b, 3) && memcmp(b, "TAG", 3) == 0) return 128;
    if (read_at(descriptor, at, b, 32) && memcmp(b, "APETAGEX", 8) == 0)
        return 32 + ((int64_t)b[12] | (int64_t)b[13] << 8 | (int64_t)b[14] << 16 | (int64_t)b[15] << 24);
    return 0;
}

static int64_t skip_tags(int descriptor, int64_t at)
{
    for (int64_t bytes; (bytes = tag_bytes(descriptor, at)) > 0;) at += bytes;
    return at;
}

static bool is_followed(int descriptor, int64_t at, int64_t end, const frame *f)
{
    frame next;
    int64_t behind = at + f->bytes;
    return behind == end || skip_tags(descriptor, behind) == end ||
           (read_frame(descriptor, behind, &next) && alike(&next, f));
}

/* Finds the next frame from `at` on that is followed by another like it or by the end of the file; -1 if
 * there is none nearby. `like`: what it must resemble, or NULL. */
static int64_t find_frame(int descriptor, int64_t at, int64_t end, const frame *like, frame *f)
{
    unsigned char bytes[SEARCH_BLOCK + 3];
    for (int64_t last = at + SEARCH_MOST; at < last; at += SEARCH_BLOCK) {
        ssize_t got = pread(descriptor, bytes, sizeof bytes, (off_t)at);
        for (ssize_t i = 0; i + 4 <= got; i++)
            if (bytes[i] == 0xFF && read_header(big_endian(bytes + i), f) && (!like || alike(f, like)) &&
                is_followed(descriptor, at + i, end, f))
                return at + i;
    }
    return -1;
}

/* ---------------------------------------------------------------- what the first frame says */

/* The number of frames that the encoder announces in a first frame without sound. *is_note: whether it is
 * such a frame. */
static int64_t promise_of(int descriptor, int64_t at, const frame *f, bool *is_note)
{
    unsigned char b[18];
    *is_note = false;
    if (read_at(descriptor, at + 4 + f->side, b, 12) &&
        (memcmp(b, "Xing", 4) == 0 || memcmp(b, "Info", 4) == 0)) {
        *is_note = true;
        return b[7] & 1 ? big_endian(b + 8) : 0;
    }
    if (read_at(descriptor, at + 36, b, 18) && memcmp(b, "VBRI", 4) == 0) {
        *is_note = true;
        return big_endian(b + 14);
    }
    return 0;
}

/* Counts frames from `at` on until something else comes. Returns where that is, or the end of the file if it
 * cuts a frame. */
static int64_t count_run(int descriptor, int64_t at, int64_t end, const frame *first, ap_mpeg_frames *frames)
{
    frame f;
    for (; read_frame(descriptor, at, &f) && alike(&f, first); at += f.bytes) {
        frames->cut = at + f.bytes > end;
        if (frames->cut) return end;
        frames->whole++;
    }
    return at;
}

bool ap_mpeg_frames_count(int descriptor, ap_mpeg_frames *frames)
{
    *frames = (ap_mpeg_frames){.whole = 0};
    unsigned char start[3];
    struct stat info;
    if (fstat(descriptor, &info) != 0) return false;
    int64_t end = info.st_size, at = skip_tags(descriptor, 0);
    if (!read_at(descriptor, 0, start, sizeof start)) return false;
    if (memcmp(start, "ID3", 3) != 0 && (start[0] != 0xFF || start[1] < 0xE0)) return false;
    frame first, f;
    bool is_note;
    at = find_frame(descriptor, at, end, NULL, &first);
    if (at < 0) return false;
    frames->promised = promise_of(descriptor, at, &first, &is_note);
    while (at >= 0) {
        at = count_run(descriptor, at, end, &first, frames);
        if (at >= end) break;
        int64_t behind = skip_tags(descriptor, at);
        at = find_frame(descriptor, behind > at ? behind : at + 1, end, &first, &f);
    }
    if (is_note) frames->whole--;
    return true;
}
