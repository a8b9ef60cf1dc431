/* What the fuzzers share. A fuzzer hands bytes to a reader; the reader may refuse them, in one line. */
#ifndef ANTIPHON_TESTS_FUZZ_H
#define ANTIPHON_TESTS_FUZZ_H

#include "antiphon/config.h"
#include "antiphon/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file in memory that holds these bytes, and nothing else, until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* The path of a folder of this process, in memory where the machine has /dev/shm; removed at the end. */
const char *fuzz_folder(void);

/* Removes what is in the folder `name` of that folder, and the folder, if it is there. */
void fuzz_remove(const char *name);

/* Writes, or with data NULL removes, the file `name` of that folder. */
void fuzz_put(const char *name, const uint8_t *data, size_t size);

/* Cuts what is up to the next byte 0xFF off the front of *data; the byte itself goes too. */
const uint8_t *fuzz_part(const uint8_t **data, size_t *size, size_t *length);

/* A checkpoint, as a file in memory whose path is given, or with a name as the file `name` of the folder.
 * libFuzzer knows nothing of the 8 bytes of length in front, so the header comes as text up to a byte 0xFF;
 * the tensors' bytes follow, and as many zeros as are missing. */
const char *fuzz_checkpoint(const char *name, const uint8_t *data, size_t size);

/* Whether the model is small enough: larger ones take long, and say no more. */
bool fuzz_is_small(const ap_config *config);

/* A text with every `@` replaced; to be freed. libFuzzer cannot know where a folder or a server is. */
char *fuzz_replaced(const uint8_t *text, size_t length, const char *with);

/* Aborts unless a failure has a message, of one line; whether it is a success. */
int fuzz_good(ap_status status);

/* Aborts with the line. */
void fuzz_check(int holds, const char *what);

#endif
