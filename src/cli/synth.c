/* antiphon synth: makes pairs with the built-in drums and piano. */
#include "antiphon/rng.h"
#include "antiphon/stop.h"
#include "antiphon/synth.h"

#include "audio/pair_set.h"
#include "base/memory.h"
#include "base/print.h"
#include "cli/progress.h"
#include "cli/verbs.h"

#include <math.h>
#include <stdlib.h>

/* One pair in this many is for validation, and the last in any case. */
#define VALIDATION_EVERY 5
/* An hour per recording: more than any use needs, less than fills the memory. */
#define SECONDS_MAX 3600

static const verb_option options[] = {
    {.name = "out",
     .placeholder = "DIR",
     .kind = OPTION_TEXT,
     .required = true,
     .help = "folder for the pairs: DIR/{train,val}/pair_NNNN_{input,target}.wav"},
    {.name = "pairs",
     .placeholder = "N",
     .kind = OPTION_INTEGER,
     .fallback = "20",
     .least = 2,
     .most = 9999,
     .help = "number of pairs; one in five is for validation"},
    {.name = "seconds",
     .placeholder = "S",
     .kind = OPTION_NUMBER,
     .fallback = "16",
     .least = 0.5,
     .most = SECONDS_MAX,
     .help = "length of each recording"},
    {.name = "sample_rate",
     .placeholder = "R",
     .kind = OPTION_INTEGER,
     .fallback = "24000",
     .least = 16000,
     .most = 96000,
     .help = "samples a second; training hears 24000"},
    {.name = "seed",
     .placeholder = "K",
     .kind = OPTION_INTEGER,
     .fallback = "1",
     .least = 0,
     .most = INFINITY,
     .help = "seed of the music; the same seed gives the same bytes"},
    {.name = NULL},
};

static bool for_validation(int64_t pair, int64_t pairs)
{
    return pairs < VALIDATION_EVERY ? pair == pairs : pair % VALIDATION_EVERY == 0;
}

/* Pair `pair` (from 1) of `seed`: drums as the input, a piano as the target. */
static ap_status make_pair(const pair_set *set, uint64_t seed, int64_t pair, bool validation, int rate,
                           int64_t count)
{
    ap_audio audio = {.samples = ap_allocate((size_t)count, sizeof(ap_real)), .count = count, .rate = rate};
    ap_rng rng = ap_rng_init(seed);
    rng.counter = (uint64_t)pair;
    uint64_t music = ap_rng_next(&rng);
    ap_synth_drums(music, audio.rate, count, audio.samples);
    ap_status status = ap_stop_check();
    if (!ap_failed(&status)) status = ap_pair_set_write(set, validation, pair, false, &audio);
    if (!ap_failed(&status)) {
        ap_synth_piano(music, audio.rate, count, audio.samples);
        status = ap_stop_check();
    }
    if (!ap_failed(&status)) status = ap_pair_set_write(set, validation, pair, true, &audio);
    ap_audio_free(&audio);
    return status;
}

static ap_status make_all(const pair_set *set, uint64_t seed, int64_t pairs, int rate, int64_t count)
{
    ap_status status = ap_ok();
    int64_t done = 0;
#pragma omp parallel for schedule(dynamic)
    for (int64_t pair = 1; pair <= pairs; pair++) {
        bool stop;
#pragma omp critical(synth_progress)
        stop = ap_failed(&status);
        if (stop) continue;
        ap_status made = make_pair(set, seed, pair, for_validation(pair, pairs), rate, count);
#pragma omp critical(synth_progress)
        {
            if (ap_failed(&made) && !ap_failed(&status)) status = made;
            progress_show("pairs made", ++done, pairs);
        }
    }
    progress_clear();
    return status;
}

static ap_status run(const parsed_options *given)
{
    const char *folder = option_text(given, "out");
    int64_t pairs = option_integer(given, "pairs"), seed = option_integer(given, "seed");
    double seconds = option_number(given, "seconds");
    int rate = (int)option_integer(given, "sample_rate");
    char *other = rate == AP_SAMPLE_RATE ? ap_copy_text("") : ap_format_text(" --sample_rate %d", rate);
    char *note = ap_format_text("antiphon synth --pairs %lld --seconds %.9g --seed %lld%s", (long long)pairs,
                                seconds, (long long)seed, other);
    free(other);
    pair_set set;
    ap_status status = ap_pair_set_begin(folder, note, true, &set);
    free(note);
    AP_TRY(status);
    status = make_all(&set, (uint64_t)seed, pairs, rate, (int64_t)llround(seconds * rate));
    AP_TRY(ap_pair_set_end(&set, status));
    int64_t validation = pairs < VALIDATION_EVERY ? 1 : pairs / VALIDATION_EVERY;
    ap_text_print(stdout, "%s: pairs of %g s, %lld for training, %lld for validation\n", folder, seconds,
                  (long long)(pairs - validation), (long long)validation);
    return ap_ok();
}

const verb verb_synth = {
    .name = "synth",
    .summary = "make pairs with the built-in drums and piano; no download",
    .arguments = "--out DIR [--pairs N] [--seconds S] [--sample_rate R] [--seed K]",
    .details =
        "Each pair is a drum kit (the input) and a piano (the target), both made up from the seed, mono.\n"
        "The same options write the same bytes again. A folder with other content is refused.\n"
        "The set appears in DIR when it is complete; until then it is in DIR/unfinished.",
    .options = options,
    .run = run,
};
