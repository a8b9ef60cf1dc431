/* antiphon cost: how far a recording follows the loudness envelopes of two others. */
#include "antiphon/audio.h"
#include "antiphon/modulation.h"
#include "audio/recording_envelope.h"
#include "audio/recordings.h"
#include "base/memory.h"
#include "base/print.h"
#include "cli/trio.h"
#include "cli/verbs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const envelope_names[] = {
    [AP_ENVELOPE_MAX] = "max", [AP_ENVELOPE_RMS] = "rms", [AP_ENVELOPE_P8] = "p8"};
#define ENVELOPES (sizeof envelope_names / sizeof *envelope_names)

static const verb_option options[] = {
    {.name = "segments",
     .placeholder = "M",
     .kind = OPTION_INTEGER,
     .fallback = "250",
     .least = 2,
     .most = INFINITY,
     .help = "number of equal segments of the envelope"},
    {.name = "envelope",
     .placeholder = "max|rms|p8",
     .kind = OPTION_TEXT,
     .fallback = "max",
     .help = "envelope of a segment: maximum, root mean square or 8-norm of |x|"},
    {.name = "window",
     .placeholder = "SECONDS",
     .kind = OPTION_NUMBER,
     .fallback = "0",
     .least = 0,
     .most = 1e6,
     .help =
         "for long recordings: the mean over windows of about this length, with --segments in each, and of "
         "|r|; 0: all at once"},
    {.name = "json", .kind = OPTION_FLAG, .help = "print a JSON object"},
    {.name = NULL},
};

/* A recording counts as quiet if its peak is below the first, and as at full scale if it is above the
 * second. */
#define QUIET 0.01
#define NEAR_FULL 0.9

/* What is compared, and the result. */
typedef struct comparison {
    const char *const *paths;
    ap_envelope_type envelope;
    int64_t S, M, windows;
    ap_real *e[TRIO];          /* [windows, M] each */
    double r[2], copy_r[TRIO]; /* of the output with both sources; what a perfect copy of each would have */
    double cost;
} comparison;

static ap_status parse_envelope(const char *name, ap_envelope_type *type)
{
    for (size_t k = 0; k < ENVELOPES; k++)
        if (strcmp(name, envelope_names[k]) == 0) {
            *type = (ap_envelope_type)k;
            return ap_ok();
        }
    return ap_error(AP_MISUSE, "--envelope must be max, rms or p8, not %s", name);
}

static ap_status compare(comparison *c)
{
    for (int k = 0; k < TRIO; k++)
        AP_TRY(ap_recording_envelope(c->paths[k], c->S, c->windows * c->M, c->envelope, c->e[k]));
    const double share = 1 / (double)c->windows;
    for (int64_t at = 0; at < c->windows * c->M; at += c->M) {
        for (int k = 0; k < 2; k++) {
            double r = ap_pearson(c->M, c->e[k] + at, c->e[TRIO_OUTPUT] + at);
            c->cost += share * ap_modulation_cost_of(r);
            c->r[k] += share * (c->windows > 1 ? fabs(r) : r);
        }
        for (int k = 0; k < TRIO; k++) c->copy_r[k] += share * ap_copy_r(c->M, c->e[k] + at);
    }
    return ap_ok();
}

static bool is_still(const comparison *c, int k)
{
    return c->copy_r[k] < AP_COPY_R_LEAST;
}

static void tell_still(const comparison *c, int k, const char *consequence)
{
    double peak = 0;
    for (int64_t m = 0; m < c->windows * c->M; m++) peak = fmax(peak, (double)c->e[k][m]);
    bool quiet = peak < QUIET, other = c->envelope != AP_ENVELOPE_RMS && !quiet;
    ap_text_print(stderr, "antiphon cost: %s: its envelope hardly moves (%s throughout): %s%s\n", c->paths[k],
                  quiet              ? "quiet"
                  : peak > NEAR_FULL ? "full scale"
                                     : "steady",
                  consequence, other ? "; try --envelope rms" : "");
}

/* A warning for a source whose envelope hardly moves: even a perfect copy of it would cost little. */
static void tell_blind(const comparison *c)
{
    for (int k = 0; k < 2; k++) {
        if (!is_still(c, k)) continue;
        char *consequence =
            ap_format_text("even a perfect copy of it has r %.2f, so that this r says nothing", c->copy_r[k]);
        tell_still(c, k, consequence);
        free(consequence);
    }
    if (is_still(c, TRIO_OUTPUT) && !is_still(c, 0) && !is_still(c, 1))
        tell_still(c, TRIO_OUTPUT, "r is near 0 whatever it copies, and says nothing");
}

static void print_json(const comparison *c)
{
    printf("{\"r_input\": %.6f, \"r_target\": %.6f, \"cost\": %.6f, \"envelope\": \"%s\", \"r_copy_input\": "
           "%.6f, "
           "\"r_copy_target\": %.6f, \"says_something\": %s, \"segments\": %lld, \"windows\": %lld, "
           "\"samples\": %lld}\n",
           c->r[0], c->r[1], c->cost, envelope_names[c->envelope], c->copy_r[0], c->copy_r[1],
           is_still(c, 0) || is_still(c, 1) || is_still(c, TRIO_OUTPUT) ? "false" : "true", (long long)c->M,
           (long long)c->windows, (long long)c->S);
}

static ap_status run(const parsed_options *given)
{
    int64_t lengths[TRIO];
    comparison c = {.paths = given->arguments, .M = option_integer(given, "segments")};
    AP_TRY(parse_envelope(option_text(given, "envelope"), &c.envelope));
    AP_TRY(ap_audio_measure_all(TRIO, c.paths, AP_SAMPLE_RATE, lengths, &c.S));
    trio_tell_lengths("antiphon cost", lengths, c.S);
    double window = option_number(given, "window") * AP_SAMPLE_RATE;
    c.windows = window > 0 ? llround(fmax((double)c.S / window, 1)) : 1;
    if (c.S / c.windows < c.M)
        return ap_error(AP_FAILED, "%lld samples at %d Hz are too few for %lld segments",
                        (long long)(c.S / c.windows), AP_SAMPLE_RATE, (long long)c.M);
    for (int k = 0; k < TRIO; k++) c.e[k] = ap_allocate((size_t)(c.windows * c.M), sizeof *c.e[k]);
    ap_status status = compare(&c);
    if (!ap_failed(&status)) {
        tell_blind(&c);
        if (option_flag(given, "json"))
            print_json(&c);
        else
            printf("r_input   %9.6f\nr_target  %9.6f\ncost      %9.6f\n", c.r[0], c.r[1], c.cost);
    }
    for (int k = 0; k < TRIO; k++) free(c.e[k]);
    return status;
}

const verb verb_cost = {
    .name = "cost",
    .summary = "the anti-modulation correlation cost of a recording",
    .arguments =
        "INPUT.wav TARGET.wav OUTPUT.wav [--segments M] [--envelope max|rms|p8] [--window SECONDS] [--json]",
    .details =
        "cost = -ln(1 - |r_input|) - ln(1 - |r_target|), where r is the correlation of the output's "
        "amplitude envelope with\n"
        "that of each source. A source that the output does not follow adds 0, one that it copies "
        "adds 6.91. Recordings of\n"
        "different length are compared up to the end of the shortest. If the envelope of a source "
        "hardly moves, like the\n"
        "maxima of a master that clips in every segment, even a copy has a low cost: a warning says "
        "so, and --json gives the\n"
        "r of a perfect copy. In that case --envelope rms tells more. Envelopes are of the average of the "
        "channels at 24 kHz, as\n"
        "the agent hears recordings.",
    .options = options,
    .least_arguments = TRIO,
    .most_arguments = TRIO,
    .run = run,
};
