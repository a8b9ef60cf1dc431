/* Safetensors files: all that a caller may ask of a file that opens. */
#include "fuzz.h"

#include "antiphon/safetensors.h"

#include <stdlib.h>
#include <string.h>

static void read_tensor(ap_safetensors *file, size_t i)
{
    ap_shape shape = ap_safetensors_shape(file, i);
    const char *name = ap_safetensors_name(file, i);
    long found = ap_safetensors_find(file, name);
    fuzz_check(found == (long)i, "a tensor that is not found by its name");
    ap_safetensors_type(file, i);
    /* no more than the file's bytes: each number takes at least one */
    ap_real *data = calloc((size_t)ap_shape_count(shape) + 1, sizeof *data);
    fuzz_good(ap_safetensors_read(file, i, data));
    fuzz_good(ap_safetensors_load(file, name, (ap_tensor){shape, data}));
    free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ap_safetensors *file;
    if (!fuzz_good(ap_safetensors_open(fuzz_file(data, size), &file))) {
        fuzz_check(file == NULL, "a file that did not open");
        return 0;
    }
    for (size_t i = 0; i < ap_safetensors_count(file); i++) read_tensor(file, i);
    for (size_t i = 0; i < ap_safetensors_metadata_count(file); i++)
        fuzz_check(ap_safetensors_metadata(file, ap_safetensors_metadata_key(file, i)) != NULL, "metadata");
    ap_safetensors_close(file);
    return 0;
}
