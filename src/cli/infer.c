/* antiphon infer: composing with a checkpoint, from two files or from the pairs of a folder. */
#include "cli/verbs.h"

#include "antiphon/compose.h"
#include "antiphon/modulation.h"
#include "antiphon/pairs.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/replace.h"
#include "base/text.h"
#include "cli/checkpoint.h"
#include "cli/progress.h"
#include "cli/trio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_head(void)
{
    printf("%*s\n", AP_LINE_WIDTH - 1, "variation of the");
    printf("%-20s %7s %8s %8s %7s %10s %6s %6s\n", "", "seconds", "r_input", "r_target", "cost", "input",
           "target", "output");
}

static void print_row(const char *name, const ap_composed *c)
{
    ap_text_print(stdout, "%-20s %7.1f %+8.3f %+8.3f %7.3f %10.2f %6.2f %6.2f\n", name, c->seconds,
                  c->r_input, c->r_target, c->cost, c->variation_input, c->variation_target,
                  c->variation_output);
}

/* Sources whose envelope varies less (sigma / mu) are silent, constant, steady, or at full scale in every
 * segment. */
#define STILL_MOST 0.01

/* Tells that the copy of a source was lowered because the source exceeds full scale. */
static void tell_lowered(const char *source, double gain)
{
    if (gain < 1)
        printf("    the %s exceeds full scale: its copy is %.1f dB lower\n", source, -20 * log10(gain));
}

/* Tells that a source has no events: neither timing nor an envelope that an output could copy. */
static void tell_still(const char *source, double variation, double copy_r)
{
    if (variation < STILL_MOST || copy_r < AP_COPY_R_LEAST)
        ap_text_print_wrapped(
            stdout,
            "    the %s is silent, steady or at full scale throughout: its correlation says nothing\n",
            source);
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Output is WAV: its name must end in .wav, so that no other kind of file is overwritten, and must not be
 * that of a source. */
static ap_status check_out(const char *out, const char *input, const char *target)
{
    const char *dot = strrchr(out, '.');
    if (!dot || strcasecmp(dot, ".wav") != 0)
        return ap_error(AP_MISUSE, "--out %s: the name must end in .wav, since WAV is written", out);
    if (same_file(out, input) || same_file(out, target))
        return ap_error(AP_MISUSE, "--out %s: is one of the sources, which are never overwritten", out);
    return ap_replace_check(out, AP_FILE_WAV);
}

/* Smaller differences in dB are not audible. */
#define LOWERED_LEAST 0.5

/* Tells how many of `count` outputs are below the level of their sources, and by how much on average. */
static void tell_quiet(size_t count, size_t quiet, double decibels, bool limit)
{
    const char *why = limit ? "because of the limited peaks" : "louder, peaks would clip (see --limit)";
    if (quiet > 0 && count == 1)
        ap_text_print_wrapped(stdout, "%.1f dB below the sources' level: %s\n", decibels, why);
    else if (quiet > 0)
        ap_text_print_wrapped(stdout,
                              "%zu of %zu are below their sources' level, by %.1f dB on average: %s\n", quiet,
                              count, decibels, why);
}

static ap_status compose_one(const ap_config *config, ap_model *model, const parsed_options *options)
{
    const char *input = option_text(options, "input"), *target = option_text(options, "target");
    if (!input || !target)
        return ap_error(AP_MISUSE, "%s is missing: give --input and --target, or --pairs",
                        input ? "--target" : "--input");
    ap_compose_paths paths = {.output = option_text(options, "out"), .limit = option_given(options, "limit")};
    ap_composed composed;
    AP_TRY(check_out(paths.output, input, target));
    AP_TRY(ap_compose_files(config, model, input, target, &paths, progress_show_seconds, NULL, &composed));
    print_head();
    print_row(paths.output, &composed);
    tell_still("input", composed.variation_input, composed.copy_r_input);
    tell_still("target", composed.variation_target, composed.copy_r_target);
    tell_quiet(1, composed.lowered >= LOWERED_LEAST, composed.lowered, paths.limit);
    return ap_ok();
}

/* Composes one pair of a folder into files named by its number. */
static ap_status compose_pair(const ap_config *config, ap_model *model, const ap_pair *pair, size_t number,
                              const char *folder, bool limit, ap_composed *composed)
{
    char *name = ap_format_text("%04zu", number);
    trio_paths paths = ap_trio_paths_of(folder, name);
    ap_status status = trio_compose(config, model, pair, &paths, limit, progress_show_seconds, composed);
    if (!ap_failed(&status)) status = ap_trio_note_pair(folder, name, pair->name);
    ap_trio_paths_free(&paths);
    free(name);
    return status;
}

static ap_status compose_pairs(const ap_config *config, ap_model *model, const parsed_options *options)
{
    const char *folder = option_text(options, "out");
    ap_pairs pairs;
    AP_TRY(ap_pairs_list_held_out(option_text(options, "pairs"), &pairs));
    if (pairs.lone)
        ap_text_print_wrapped(stdout, "left out: %zu recording%s without a partner, such as %s\n", pairs.lone,
                              ap_plural((int64_t)pairs.lone), pairs.first_lone);
    size_t wanted = (size_t)option_integer(options, "num_samples");
    size_t count = pairs.count < wanted ? pairs.count : wanted;
    ap_status status = ap_make_folder(folder);
    if (!ap_failed(&status)) print_head();
    ap_composed sum = {0};
    size_t quiet = 0;
    for (size_t i = 0; i < count && !ap_failed(&status); i++) {
        ap_composed c;
        status = compose_pair(config, model, &pairs.at[i], i + 1, folder, option_given(options, "limit"), &c);
        if (ap_failed(&status)) break;
        char *name = ap_format_text("%04zu (%s)", i + 1, pairs.at[i].name);
        print_row(name, &c);
        free(name);
        tell_lowered("input", c.gain_input);
        tell_lowered("target", c.gain_target);
        tell_still("input", c.variation_input, c.copy_r_input);
        tell_still("target", c.variation_target, c.copy_r_target);
        sum.cost += c.cost / (double)count;
        if (c.lowered < LOWERED_LEAST) continue;
        sum.lowered += c.lowered;
        quiet++;
    }
    if (!ap_failed(&status)) {
        ap_text_print_wrapped(stdout, "%zu composition%s in %s, mean cost %.3f\n", count,
                              ap_plural((int64_t)count), folder, sum.cost);
        tell_quiet(count, quiet, sum.lowered / (double)quiet, option_given(options, "limit"));
    }
    ap_pairs_free(&pairs);
    return status;
}

static ap_status run(const parsed_options *options)
{
    bool pairs = option_given(options, "pairs");
    if (pairs && (option_given(options, "input") || option_given(options, "target")))
        return ap_error(AP_MISUSE, "--pairs and --input/--target exclude each other");
    ap_config config;
    ap_model *model;
    AP_TRY(checkpoint_load_agent(option_text(options, "checkpoint"), &config, &model));
    ap_status status = pairs ? compose_pairs(&config, model, options) : compose_one(&config, model, options);
    ap_model_free(model);
    return status;
}

static const verb_option table[] = {
    {.name = "checkpoint",
     .placeholder = "FILE|RUN_DIR",
     .kind = OPTION_TEXT,
     .required = true,
     .help = "a checkpoint that train has written, or a run's folder: its best (the last where there is no "
             "best)"},
    {.name = "input",
     .placeholder = "A.wav",
     .kind = OPTION_TEXT,
     .help = "the recording that gives the timing"},
    {.name = "target",
     .placeholder = "B.wav",
     .kind = OPTION_TEXT,
     .help = "the recording that gives harmony and timbre"},
    {.name = "pairs",
     .placeholder = "DIR",
     .kind = OPTION_TEXT,
     .help = "compose from the pairs of a set (its val/, if there is one) or folder"},
    {.name = "num_samples",
     .placeholder = "N",
     .kind = OPTION_INTEGER,
     .fallback = "5",
     .least = 1,
     .most = 1e6,
     .help = "with --pairs: compose at most this many"},
    {.name = "out",
     .placeholder = "C.wav|DIR",
     .kind = OPTION_TEXT,
     .required = true,
     .help = "the WAV file to write; with --pairs, the folder"},
    {.name = "limit",
     .kind = OPTION_FLAG,
     .help = "turn down only the peaks that would clip at the sources' level, not the whole output"},
    {.name = NULL},
};

const verb verb_infer = {
    .name = "infer",
    .summary = "compose from your recordings with a checkpoint",
    .arguments =
        "--checkpoint FILE|RUN_DIR (--input A.wav --target B.wav --out C.wav | --pairs DIR --out DIR)",
    .details = "Recordings may be WAV, FLAC, OGG, MP3 or AIFF, at any rate, with any number of channels. "
               "Each must last\n"
               "at least 0.25 s.\n"
               "Writes 24 kHz 16-bit WAV as long as the shorter source, never clipped, at the level of the "
               "sources or as\n"
               "close to it as its peaks allow. Prints the correlation of the output's envelope with those "
               "of its sources\n"
               "(r, 250 segments), the cost, and the variation of the envelopes (sigma / mu). A drone or "
               "silence has a low\n"
               "cost, too, but also a low variation.",
    .options = table,
    .least_arguments = 0,
    .most_arguments = 0,
    .run = run,
};
