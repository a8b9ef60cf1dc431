/* antiphon cost: how far a recording follows the loudness envelopes of two others. */
#include "antiphon/audio.h"
#include "antiphon/modulation.h"
#include "cli/trio.h"
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

static ap_status run(const parsed_options *given)
{
    ap_audio recordings[TRIO];
    int64_t M = option_integer(given, "segments");
    AP_TRY(ap_trio_read(given->arguments, recordings));
    int64_t S = trio_length("antiphon cost", recordings);
    if (S < M) {
        ap_trio_free(recordings);
        return ap_error(AP_FAILED, "%lld samples at %d Hz are too few for %lld segments", (long long)S,
                        AP_SAMPLE_RATE, (long long)M);
    }
    ap_real r_input, r_target;
    ap_real cost = ap_modulation_cost_arrays(1, S, M, AP_BARRIER_ORIGINAL, recordings[TRIO_INPUT].samples,
                                             recordings[TRIO_TARGET].samples, recordings[TRIO_OUTPUT].samples, &r_input,
                                             &r_target, NULL);
    ap_trio_free(recordings);
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
    .least_arguments = TRIO,
    .most_arguments = TRIO,
    .run = run,
};
