#include "cli/answers.h"

#include "antiphon/modulation.h"
#include "antiphon/rate.h"
#include "audio/listing.h"
#include "audio/recording_envelope.h"
#include "audio/recordings.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- their files */

/* The name of an answer: OUT, with that of the target (NULL: without) and a number (0: without). */
static char *name_of(const char *out, const char *target, size_t number)
{
    const size_t length = ap_stem_length(out);
    const char *base = target ? ap_text_file_name(target) : "";
    char digits[24] = "";
    if (number) snprintf(digits, sizeof digits, "_%zu", number);
    return ap_format_text("%.*s%s%.*s%s%s", (int)length, out, target ? "_" : "", (int)ap_stem_length(base),
                          base, digits, out + length);
}

static ap_status check_apart(const answers *planned)
{
    for (size_t k = 0; k < planned->count; k++)
        for (size_t i = 0; i < k; i++)
            if (strcmp(planned->at[i].out, planned->at[k].out) == 0)
                return ap_error(AP_MISUSE, "%s and %s: the answers to both would be called %s; rename one",
                                planned->at[i].target, planned->at[k].target, planned->at[k].out);
    return ap_ok();
}

ap_status answers_plan(const char *out, const char *const targets[], size_t count, size_t variations,
                       answers *planned)
{
    *planned = (answers){ap_allocate(count * variations, sizeof *planned->at), count * variations};
    for (size_t k = 0; k < planned->count; k++) {
        const char *target = targets[k / variations];
        const size_t variation = k % variations;
        planned->at[k] =
            (answer){target, k, variation == 0,
                     name_of(out, count > 1 ? target : NULL, variations > 1 ? variation + 1 : 0)};
    }
    return check_apart(planned);
}

void answers_free(answers *planned)
{
    for (size_t k = 0; k < planned->count; k++) free(planned->at[k].out);
    free(planned->at);
}

/* ---------------------------------------------------------------- how alike they are */

/* The envelopes [count, 250] of the files, up to the end of the shortest. */
static ap_status read_envelopes(const answers *written, ap_real *e)
{
    const int n = (int)written->count;
    const char **paths = ap_allocate(written->count, sizeof *paths);
    int64_t *lengths = ap_allocate(written->count, sizeof *lengths), shortest;
    for (int k = 0; k < n; k++) paths[k] = written->at[k].out;
    ap_status status = ap_audio_measure_all(n, paths, AP_SAMPLE_RATE, lengths, &shortest);
    for (int k = 0; k < n && !ap_failed(&status); k++)
        status = ap_recording_envelope(paths[k], shortest, AP_MODULATION_SEGMENTS, AP_ENVELOPE_MAX,
                                       e + k * AP_MODULATION_SEGMENTS);
    free(paths);
    free(lengths);
    return status;
}

static void tell(const answers *written, const ap_real *e)
{
    const size_t M = AP_MODULATION_SEGMENTS;
    double sum = 0, most = 0;
    size_t pairs = 0, one = 0, other = 1;
    for (size_t k = 0; k < written->count; k++)
        for (size_t i = 0; i < k; i++, pairs++) {
            double r = ap_pearson((int64_t)M, e + i * M, e + k * M);
            sum += r;
            if (!(fabs(r) > fabs(most))) continue;
            most = r;
            one = i;
            other = k;
        }
    if (pairs == 1)
        ap_text_print_wrapped(stdout, "the two follow each other by r %+.2f\n", most);
    else
        ap_text_print_wrapped(stdout,
                              "they follow each other by r %+.2f on average, at most by %+.2f (%s and %s)\n",
                              sum / (double)pairs, most, ap_text_file_name(written->at[one].out),
                              ap_text_file_name(written->at[other].out));
}

ap_status answers_tell_alike(const answers *written)
{
    if (written->count < 2) return ap_ok();
    ap_real *e = ap_allocate(written->count * AP_MODULATION_SEGMENTS, sizeof *e);
    ap_status status = read_envelopes(written, e);
    if (!ap_failed(&status)) tell(written, e);
    free(e);
    return status;
}
