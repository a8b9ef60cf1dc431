#include "audio/ogg.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define HEAD 27  /* length of a page header without its segment table */
#define BEGINS 2 /* flag of a stream's first page */

static bool read_at(int descriptor, int64_t at, void *bytes, int count)
{
    return pread(descriptor, bytes, (size_t)count, (off_t)at) == count;
}

/* The streams of one piece begin together, before any other page (RFC 3533, section 4). */
bool ap_ogg_is_chained(int descriptor)
{
    unsigned char head[HEAD], table[255];
    bool begun = false;
    for (int64_t at = 0; read_at(descriptor, at, head, HEAD) && memcmp(head, "OggS", 4) == 0;) {
        int segments = head[HEAD - 1];
        if (!read_at(descriptor, at + HEAD, table, segments)) return false;
        if (head[5] & BEGINS && begun) return true;
        begun = begun || !(head[5] & BEGINS);
        at += HEAD + segments;
        for (int k = 0; k < segments; k++) at += table[k];
    }
    return false;
}
