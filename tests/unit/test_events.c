/* Event files for TensorBoard: the checksum, the framing, the wire format, and which files there are. */
#include "track/events.h"

#include "base/folder.h"
#include "base/memory.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/text.h"
#include "track/wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>

/* RFC 3720, appendix B.4, and the check value of the catalogue of CRCs. */
static void the_checksum(void **state)
{
    (void)state;
    unsigned char bytes[32] = {0};
    assert_int_equal(ap_crc32c("", 0), 0);
    assert_int_equal(ap_crc32c("123456789", 9), 0xE3069283);
    assert_int_equal(ap_crc32c(bytes, 32), 0x8A9136AA);
    for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
    assert_int_equal(ap_crc32c(bytes, 32), 0x46DD794E);
}

/* The examples of the encoding's documentation: 150 in field 1, "testing" in field 2, {150} in field 3. */
static void the_wire_format(void **state)
{
    (void)state;
    wire w = {0}, inner = {0};
    ap_wire_integer(&w, 1, 150);
    ap_wire_text(&w, 2, "testing");
    ap_wire_integer(&inner, 1, 150);
    ap_wire_message(&w, 3, &inner);
    assert_null(inner.at);
    ap_wire_double(&w, 4, 1);
    ap_wire_float(&w, 5, -2);
    ap_wire_integer(&w, 16, -1);
    const unsigned char want[] = "\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01"
                                 "\x21\0\0\0\0\0\0\xF0\x3F\x2D\0\0\0\xC0"
                                 "\x80\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01";
    assert_int_equal(w.length, sizeof want - 1);
    assert_memory_equal(w.at, want, w.length);
    ap_wire_free(&w);
}

static events *begin(void **state, int64_t resumed_step, double time)
{
    char lr[] = "train.lr", rate[] = "0.1", path[] = "data.path", odd[] = "a|b";
    const track_text params[] = {{lr, rate}, {path, odd}};
    events *e;
    ap_status status = ap_events_create(*state, resumed_step, time, params, 2, &e);
    assert_string_equal(status.message, "");
    return e;
}

static void end(events *e)
{
    ap_status status = ap_events_finish(e, 3e9, AP_OUTCOME_FINISHED);
    assert_string_equal(status.message, "");
}

/* The k-th name in the folder; NULL: there are fewer. For the caller to free. */
static char *name_of(void **state, size_t k)
{
    ap_names names;
    ap_status status = ap_folder_list(*state, &names);
    assert_string_equal(status.message, "");
    char *name = k < names.count ? ap_copy_text(names.at[k]) : NULL;
    ap_names_free(&names);
    return name;
}

/* The number of whole records of the k-th file, by their lengths alone. */
static int records_of(void **state, size_t k, bool *torn)
{
    char *name = name_of(state, k);
    assert_non_null(name);
    FILE *stream = fopen(folder_path(state, name), "rb");
    assert_non_null(stream);
    uint64_t length;
    int count = 0;
    *torn = false;
    while (fread(&length, sizeof length, 1, stream) == 1) {
        unsigned char *rest = malloc((size_t)length + 8);
        assert_non_null(rest);
        *torn = fread(rest, (size_t)length + 8, 1, stream) != 1;
        free(rest);
        if (*torn) break;
        count++;
    }
    fclose(stream);
    free(name);
    return count;
}

/* Version, start, text, hyperparameters, one record a step whatever its number of values, end. */
static void a_record_a_step(void **state)
{
    bool torn;
    const char *const names[] = {"train_loss", "ratio"};
    events *e = begin(state, -1, 2e9);
    for (int step = 1; step <= 3; step++) {
        ap_status status = ap_events_scalars(e, step, 2e9, 2, names, (const double[]){1.0 / step, INFINITY});
        assert_string_equal(status.message, "");
    }
    assert_int_equal(records_of(state, 0, &torn), 4 + 3); /* nothing waits in memory */
    end(e);
    assert_int_equal(records_of(state, 0, &torn), 4 + 3 + 1);
    assert_false(torn);
}

/* In the order of their names the files are in the order in which they were begun, whatever the clock says.
 */
static void files_stand_in_order(void **state)
{
    end(begin(state, -1, 2000000000));
    end(begin(state, 7, 2000000000)); /* within the same second */
    end(begin(state, 9, 1000000000)); /* a clock that was put back */
    for (size_t k = 0; k < 3; k++) {
        char begins[64], *name = name_of(state, k);
        snprintf(begins, sizeof begins, "events.out.tfevents.%lld.", 2000000000LL + (long long)k);
        assert_non_null(name);
        assert_memory_equal(name, begins, strlen(begins));
        free(name);
    }
    /* a new run removes its own kind alone */
    text_write(folder_path(state, "events.out.tfevents.1.somebody"), "x");
    text_write(folder_path(state, "log.jsonl"), "x");
    end(begin(state, -1, 2000000005));
    assert_int_equal(folder_count(state), 3);
    char *name = name_of(state, 1);
    assert_memory_equal(name, "events.out.tfevents.2000000005.", 31);
    free(name);
}

/* A record that does not fit leaves no part of itself behind. */
static void a_full_disk(void **state)
{
    struct rlimit before, small;
    bool torn;
    const char *const names[] = {"train_loss"};
    events *e = begin(state, -1, 2e9);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    int whole = records_of(state, 0, &torn);
    ap_status status = ap_ok();
    small.rlim_cur = 1000;
    setrlimit(RLIMIT_FSIZE, &small);
    for (int step = 1; step <= 100 && !ap_failed(&status); step++) {
        status = ap_events_scalars(e, step, 2e9, 1, names, (const double[]){1});
        whole += !ap_failed(&status);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    assert_non_null(strstr(status.message, "cannot be written"));
    assert_int_equal(records_of(state, 0, &torn), whole);
    assert_false(torn);
    end(e);
    assert_int_equal(records_of(state, 0, &torn), whole + 1);
}

static void no_folder(void **state)
{
    events *e;
    ap_status status = ap_events_create(folder_path(state, "nowhere"), -1, 2e9, NULL, 0, &e);
    assert_non_null(strstr(status.message, "nowhere"));
    assert_null(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum),
        cmocka_unit_test(the_wire_format),
        cmocka_unit_test_setup_teardown(a_record_a_step, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(files_stand_in_order, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_full_disk, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(no_folder, folder_create, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
