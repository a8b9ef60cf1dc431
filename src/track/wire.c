#include "track/wire.h"

#include "base/memory.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* How a value is written, the low three bits of a field's key. */
enum { VARINT = 0, EIGHT_BYTES = 1, COUNTED = 2, FOUR_BYTES = 5 };

void ap_wire_free(wire *w)
{
    free(w->at);
    *w = (wire){0};
}

void ap_wire_put(wire *w, const void *bytes, size_t count)
{
    if (w->length + count > w->capacity) {
        w->capacity = 2 * (w->length + count);
        w->at = ap_reallocate(w->at, w->capacity, 1);
    }
    if (count) memcpy(w->at + w->length, bytes, count);
    w->length += count;
}

/* Seven bits a byte, the lowest first; the eighth says that more follow. */
static void put_varint(wire *w, uint64_t value)
{
    unsigned char bytes[10];
    size_t count = 0;
    do {
        bytes[count] = (unsigned char)(value & 0x7F);
        value >>= 7;
        if (value) bytes[count] |= 0x80;
        count++;
    } while (value);
    ap_wire_put(w, bytes, count);
}

static void put_key(wire *w, int field, int kind)
{
    put_varint(w, (uint64_t)field << 3 | (uint64_t)kind);
}

void ap_wire_integer(wire *w, int field, int64_t value)
{
    put_key(w, field, VARINT);
    put_varint(w, (uint64_t)value);
}

/* The lowest `count` bytes of a number, the lowest first. */
static void put_fixed(wire *w, int field, int kind, uint64_t bits, size_t count)
{
    bits = htole64(bits);
    put_key(w, field, kind);
    ap_wire_put(w, &bits, count);
}

void ap_wire_double(wire *w, int field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_fixed(w, field, EIGHT_BYTES, bits, sizeof bits);
}

void ap_wire_float(wire *w, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_fixed(w, field, FOUR_BYTES, bits, sizeof bits);
}

void ap_wire_bytes(wire *w, int field, const void *bytes, size_t count)
{
    put_key(w, field, COUNTED);
    put_varint(w, count);
    ap_wire_put(w, bytes, count);
}

void ap_wire_text(wire *w, int field, const char *text)
{
    ap_wire_bytes(w, field, text, strlen(text));
}

void ap_wire_message(wire *w, int field, wire *message)
{
    ap_wire_bytes(w, field, message->at, message->length);
    ap_wire_free(message);
}
