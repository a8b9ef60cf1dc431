/* Messages in the wire format of protocol buffers: fields of a number and a value
 * (https://protobuf.dev/programming-guides/encoding/). Growing bytes; nothing fails but memory. */
#ifndef ANTIPHON_TRACK_WIRE_H
#define ANTIPHON_TRACK_WIRE_H

#include <stddef.h>
#include <stdint.h>

typedef struct wire {
    unsigned char *at; /* owned */
    size_t length, capacity;
} wire;

void ap_wire_free(wire *w);

/* Appends bytes as they are. */
void ap_wire_put(wire *w, const void *bytes, size_t count);

/* Append a field: int64, bool and enums; double; float; text; any bytes. */
void ap_wire_integer(wire *w, int field, int64_t value);
void ap_wire_double(wire *w, int field, double value);
void ap_wire_float(wire *w, int field, float value);
void ap_wire_text(wire *w, int field, const char *text);
void ap_wire_bytes(wire *w, int field, const void *bytes, size_t count);

/* Appends a message as a field, and frees it. */
void ap_wire_message(wire *w, int field, wire *message);

#endif
