/* antiphon cost: how far a recording follows the loudness envelopes of two others. */
#include "antiphon/audio.h"
#include "antiphon/modulation.h"
#include "cli/verbs.h"

#include <math.h>

static const verb_option options[] = {
    {.name = "segments",
     .placeholder = "M",
     .kind = OPTION_INTEGER,
     .fallback = "250",
     .least = 2,
     .most = INFINITY,
     .help = "into how many equal segments the recordings are divided; the envelope is the maximum of each"},
    {.name = "json", .kind = OPTION_FLAG, .help = "print a JSON object"},
    {.name = NULL},
};

enum { INPUT, TARGET, OUTPUT, RECORDINGS };

static void free_all(ap_audio recordings[RECORDINGS])
{
    for (int k = 0; k < RECORDINGS; k++) ap_audio_free(&recordings[k]);
}

static ap_status read_all(const char *const *paths, ap_audio recordings[RECORDINGS])
{
    for (int k = 0; k < RECORDINGS; k++) recordings[k] = (ap_audio){.samples = NULL};
    for (int k = 0; k < RECORDINGS; k++) {
        ap_status status = ap_audio_read(paths[k], AP_SAMPLE_RATE, &recordings[k]);
        if (!ap_failed(&status)) continue;
        free_all(recordings);
        return status;
    }
    return ap_ok();
}

/* The length that all three have; says so where that leaves something out. */
static int64_t common_length(const ap_audio recordings[RECORDINGS])
{
    int64_t least = recordings[0].count, most = least;
    for (int k = 1; k < RECORDINGS; k++) {
        if (recordings[k].count < least) least = recordings[k].count;
        if (recordings[k].count > most) most = recordings[k].count;
    }
    if (least < most)
        fprintf(stderr,
                "antiphon cost: the lengths differ (%.3f, %.3f, %.3f s): the first %.3f s are compared\n",
                (double)recordings[INPUT].count / AP_SAMPLE_RATE,
                (double)recordings[TARGET].count / AP_SAMPLE_RATE,
                (double)recordings[OUTPUT].count / AP_SAMPLE_RATE, (double)least / AP_SAMPLE_RATE);
    return least;
}

static ap_status run(const parsed_options *given)
{
    ap_audio recordings[RECORDINGS];
    int64_t M = option_integer(given, "segments");
    AP_TRY(read_all(given->arguments, recordings));
    int64_t S = common_length(recordings);
    if (S < M) {
        free_all(recordings);
        return ap_error(AP_FAILED, "%lld samples at %d Hz are too few for %lld segments", (long long)S,
                        AP_SAMPLE_RATE, (long long)M);
    }
    ap_real r_input, r_target;
    ap_real cost = ap_modulation_cost_arrays(1, S, M, AP_BARRIER_SEED, recordings[INPUT].samples,
                                             recordings[TARGET].samples, recordings[OUTPUT].samples, &r_input,
                                             &r_target, NULL);
    free_all(recordings);
    if (option_flag(given, "json"))
        printf("{\"r_input\": %.6f, \"r_target\": %.6f, \"cost\": %.6f, \"segments\": %lld, \"samples\": "
               "%lld}\n",
               (double)r_input, (double)r_target, (double)cost, (long long)M, (long long)S);
    else
        printf("r_input   %9.6f\nr_target  %9.6f\ncost      %9.6f\n", (double)r_input, (double)r_target,
               (double)cost);
    return ap_ok();
}

const verb verb_cost = {
    .name = "cost",
    .summary = "the anti-modulation correlation cost of a recording",
    .arguments = "INPUT.wav TARGET.wav OUTPUT.wav [--segments M] [--json]",
    .details = "cost = -ln(1 - |r_input|) - ln(1 - |r_target|), r the correlation of the output's amplitude "
               "envelope with\n"
               "that of each source: 0 where it follows neither, 6.91 for each that it copies. Recordings of "
               "different\n"
               "length are cut to the shortest.",
    .options = options,
    .least_arguments = RECORDINGS,
    .most_arguments = RECORDINGS,
    .run = run,
};
