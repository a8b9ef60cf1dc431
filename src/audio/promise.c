#include "audio/promise.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No sound file has this many chunks. */
#define CHUNKS_MOST 65536

/* A file format made of chunks: an identifier, a size, and that many bytes. */
typedef struct container {
    const char *magic, *form; /* the first bytes, and the bytes at form_at; NULL: none */
    int form_at;
    int chunks_at;            /* position of the first chunk */
    int whole_at;             /* position of the total size; 0: none */
    int id_bytes, size_bytes; /* of a chunk's header */
    bool big_endian;          /* numbers */
    bool head_counts;         /* sizes include the chunk's header */
    int alignment;            /* of chunks */
    const char *sound;        /* identifier of the chunk that holds the sound */
} container;

static const container containers[] = {
    {"RIFF", "WAVE", 8, 12, 4, 4, 4, false, false, 2, "data"},
    {"RF64", "WAVE", 8, 12, 4, 4, 4, false, false, 2, "data"},
    {"BW64", "WAVE", 8, 12, 4, 4, 4, false, false, 2, "data"},
    {"RIFX", "WAVE", 8, 12, 4, 4, 4, true, false, 2, "data"},
    {"FORM", "AIFF", 8, 12, 4, 4, 4, true, false, 2, "SSND"},
    {"FORM", "AIFC", 8, 12, 4, 4, 4, true, false, 2, "SSND"},
    {"riff\x2e\x91\xcf\x11", "wave", 24, 40, 16, 16, 8, false, true, 8, "data"},
    {"caff", NULL, 0, 8, 0, 4, 8, true, false, 1, "data"},
};

static uint64_t number_of(const unsigned char *bytes, int count, bool big_endian)
{
    uint64_t number = 0;
    for (int i = 0; i < count; i++) number = number << 8 | bytes[big_endian ? i : count - 1 - i];
    return number;
}

static bool read_at(int descriptor, uint64_t at, void *bytes, int count)
{
    return at <= INT64_MAX && pread(descriptor, bytes, (size_t)count, (off_t)at) == count;
}

/* Placeholder sizes. Programs that cannot go back to the header write about 2^31 (sox, arecord) or 2^32
 * (ffmpeg), rounded down to a block, or 0x7F000000 (sox's AIFF), or all ones in 64 bits. */
static bool is_made_up(uint64_t size)
{
    static const uint64_t round[] = {0x7F000000, 0x80000000, 0x100000000};
    const uint64_t slack = 1 << 17;
    for (size_t k = 0; k < sizeof round / sizeof *round; k++)
        if (size + slack > round[k] && size < round[k] + slack) return true;
    return size == 0 || size > INT64_MAX / 2;
}

static const container *container_of(int descriptor)
{
    char head[40];
    if (!read_at(descriptor, 0, head, 12)) return NULL;
    for (size_t k = 0; k < sizeof containers / sizeof *containers; k++) {
        const container *c = &containers[k];
        if (memcmp(head, c->magic, strlen(c->magic)) != 0) continue;
        if (!c->form) return c;
        if (read_at(descriptor, 0, head, c->form_at + 4) && memcmp(head + c->form_at, c->form, 4) == 0)
            return c;
    }
    return NULL;
}

static uint64_t end_of(uint64_t at, uint64_t size)
{
    if (is_made_up(size)) return 0;
    return at <= UINT64_MAX - size ? at + size : UINT64_MAX;
}

/* The total size, for a file that ends before its sound. */
static uint64_t whole(const container *c, int descriptor)
{
    unsigned char bytes[8];
    if (!c->whole_at || !read_at(descriptor, (uint64_t)c->whole_at, bytes, c->size_bytes)) return 0;
    uint64_t size = number_of(bytes, c->size_bytes, c->big_endian);
    return end_of(c->head_counts ? 0 : (uint64_t)c->whole_at + (uint64_t)c->size_bytes, size);
}

/* The promise for sound that begins at byte `from`. Its size is stored in `bytes` bytes at byte `at`, and is
 * `head` larger than the sound. */
static ap_promise promise_of(int descriptor, uint64_t from, uint64_t size, uint64_t at, int bytes,
                             uint64_t head, bool big_endian)
{
    struct stat info;
    ap_promise p = {.bytes = end_of(from, size)};
    if (p.bytes || fstat(descriptor, &info) != 0 || (uint64_t)info.st_size < from) return p;
    uint64_t rest = (uint64_t)info.st_size - from + head;
    if (bytes == 4 && rest > UINT32_MAX) return p;
    p.size_at = (int64_t)at;
    p.size_bytes = bytes;
    for (int i = 0; i < 8 && i < bytes; i++)
        p.size[i] = (unsigned char)(rest >> 8 * (big_endian ? bytes - 1 - i : i));
    return p;
}

static ap_promise of_chunks(const container *c, int descriptor)
{
    unsigned char head[24], ds64[16];
    uint64_t at = (uint64_t)c->chunks_at, sound_64 = 0, sound_64_at = 0;
    const uint64_t head_bytes = (uint64_t)(c->id_bytes + c->size_bytes);
    for (int k = 0; k < CHUNKS_MOST && read_at(descriptor, at, head, (int)head_bytes); k++) {
        uint64_t size = number_of(head + c->id_bytes, c->size_bytes, c->big_endian), counted = 0;
        if (c->head_counts && memcmp(head, c->sound, 4) != 0 && size < head_bytes)
            return (ap_promise){.bytes = 0};
        if (c->head_counts) counted = head_bytes;
        size = size < counted ? 0 : size - counted;
        at += head_bytes;
        if (memcmp(head, c->sound, 4) == 0 && c->size_bytes == 4 && size == UINT32_MAX && sound_64_at)
            return promise_of(descriptor, at, sound_64, sound_64_at, 8, 0, c->big_endian);
        if (memcmp(head, c->sound, 4) == 0)
            return promise_of(descriptor, at, size, at - (uint64_t)c->size_bytes, c->size_bytes, counted,
                              c->big_endian);
        if (memcmp(head, "ds64", 4) == 0 && read_at(descriptor, at, ds64, sizeof ds64)) {
            sound_64 = number_of(ds64 + 8, 8, c->big_endian); /* after the total size */
            sound_64_at = at + 8;
        }
        if (size > INT64_MAX) return (ap_promise){.bytes = 0};
        at += size;
        at += ((uint64_t)c->alignment - at % (uint64_t)c->alignment) % (uint64_t)c->alignment;
    }
    return (ap_promise){.bytes = whole(c, descriptor)};
}

/* Sun's format: the sound begins at byte `offset` and has `size` bytes. */
static ap_promise of_au(int descriptor)
{
    unsigned char head[12];
    if (!read_at(descriptor, 0, head, sizeof head)) return (ap_promise){.bytes = 0};
    bool big_endian = memcmp(head, ".snd", 4) == 0;
    if (!big_endian && memcmp(head, "dns.", 4) != 0) return (ap_promise){.bytes = 0};
    return promise_of(descriptor, number_of(head + 4, 4, big_endian), number_of(head + 8, 4, big_endian), 8,
                      4, 0, big_endian);
}

ap_promise ap_promise_of(int descriptor)
{
    const container *c = container_of(descriptor);
    return c ? of_chunks(c, descriptor) : of_au(descriptor);
}
