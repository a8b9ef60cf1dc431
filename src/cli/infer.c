/* antiphon infer: composing with a checkpoint, from two files or from the pairs of a folder. */
#include "cli/verbs.h"

#include "antiphon/audio.h"
#include "antiphon/compose.h"
#include "antiphon/modulation.h"
#include "antiphon/pairs.h"
#include "assembly/arrangement.h"
#include "audio/sound_name.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/replace.h"
#include "base/text.h"
#include "cli/answers.h"
#include "cli/checkpoint.h"
#include "cli/progress.h"
#include "cli/trio.h"
#include "compose/settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
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

/* Tells that the copy of a source was lowered because the source exceeds full scale. */
static void tell_lowered(const char *source, double gain)
{
    if (gain < 1)
        printf("    the %s exceeds full scale: its copy is %.1f dB lower\n", source, -20 * log10(gain));
}

/* Tells that a source has no events: neither timing nor an envelope that an output could copy. */
static void tell_still(const char *source, double variation, double copy_r)
{
    if (variation < AP_STILL_MOST || copy_r < AP_COPY_R_LEAST)
        ap_text_print_wrapped(
            stdout,
            "    the %s is silent, steady or at full scale throughout: its correlation says nothing\n",
            source);
}

/* A smaller share of a recording may cancel by chance. */
#define CANCELLED_LEAST 0.01

/* Tells what is heard where a source's channels cancel each other. In an answer that is played from a
 * target's channels (`played`), they cancel as well. */
static void tell_cancelled(const char *source, double share, int channels, bool played)
{
    if (share < CANCELLED_LEAST) return;
    char *part =
        share > 1 - CANCELLED_LEAST ? ap_copy_text("") : ap_format_text(" in %.0f %% of it", 100 * share);
    ap_text_print_wrapped(stdout, "    the %s's channels cancel each other%s: heard is %s%s\n", source, part,
                          channels == 2 ? "left alone, as right = -left" : "their average, with signs turned",
                          played ? "; the answer's cancel, too: --channels 1 has a mono answer" : "");
    free(part);
}

/* How to compose; where to is not filled in. `config` may be NULL: whether the model has the knobs is not
 * checked then. */
static ap_status asked(const parsed_options *options, const ap_config *config, ap_compose_paths *settings)
{
    static const char *const names[] = {
#define NAME(name, ...) #name,
        AP_COMPOSE_SETTINGS(NAME)
#undef NAME
    };
    ap_compose_setting given[sizeof names / sizeof *names];
    size_t count = 0;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (option_given(options, names[k]))
            given[count++] = (ap_compose_setting){names[k], option_word(options, names[k])};
    *settings = (ap_compose_paths){.limit = option_given(options, "limit")};
    ap_status status = ap_compose_set(config, count, given, settings);
    return ap_failed(&status) ? ap_error(status.code, "--%s", status.message) : status;
}

static const char *channels_word(int channels)
{
    return channels == 1 ? "mono" : channels == 2 ? "stereo" : "of several channels";
}

static bool same_format(ap_compose_format a, ap_compose_format b)
{
    return a.sample_rate == b.sample_rate && a.channels == b.channels;
}

static bool was_converted(const ap_composed *c)
{
    return !same_format(c->input, c->written) || !same_format(c->target, c->written);
}

/* Tells what the files are where the model cannot fill what its configuration or the command asks for. */
static void tell_written(const ap_config *config, const ap_composed *c)
{
    const ap_compose_format own = ap_compose_format_of(config);
    const ap_compose_format wanted = {config->data.sample_rate, config->data.channels};
    if (c->written.sample_rate > own.sample_rate && own.sample_rate < wanted.sample_rate)
        ap_text_print_wrapped(stdout, "written at %d Hz, with nothing above %d: the model answers at %d Hz\n",
                              c->written.sample_rate, own.sample_rate / 2, own.sample_rate);
    else if (same_format(c->written, own) && !same_format(own, wanted))
        ap_text_print_wrapped(stdout, "written as %d Hz %s, as the model answers; not as %d Hz %s\n",
                              own.sample_rate, channels_word(own.channels), wanted.sample_rate,
                              channels_word(wanted.channels));
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* An input that is its own target is most likely a slip. */
static void tell_same(const answers *planned, const char *input)
{
    for (size_t k = 0; k < planned->count; k++)
        if (planned->at[k].first && same_file(input, planned->at[k].target))
            ap_text_print_wrapped(stdout, "%s: the input is its own target\n", input);
}

/* Whether all targets can be read, before the first answer is written. */
static ap_status check_targets(const answers *planned)
{
    for (size_t k = 0; k < planned->count; k++) {
        ap_audio_reader *reader;
        if (!planned->at[k].first) continue;
        AP_TRY(ap_audio_reader_open(planned->at[k].target, 0, &reader));
        ap_audio_reader_close(reader);
    }
    return ap_ok();
}

/* No file of another kind is overwritten, nor a source. */
static ap_status check_out(const answers *planned, const char *input)
{
    for (size_t k = 0; k < planned->count; k++) {
        const char *out = planned->at[k].out;
        AP_TRY(ap_sound_name_check("out", out));
        bool source = same_file(out, input);
        for (size_t i = 0; i < planned->count; i++) source |= same_file(out, planned->at[i].target);
        if (source)
            return ap_error(AP_MISUSE, "--out %s: is one of the sources, which are never overwritten", out);
    }
    return ap_ok();
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

/* Whether peaks are limited: takes always are. */
static bool limits(const ap_config *config, const parsed_options *options)
{
    return option_given(options, "limit") || config->agent.output == AP_OUTPUT_TAKES;
}

static void tell_converted(const ap_composed *c)
{
    if (!was_converted(c)) return;
    ap_text_print_wrapped(stdout, "the input (%d Hz %s) and the target (%d Hz %s) became %d Hz %s\n",
                          c->input.sample_rate, channels_word(c->input.channels), c->target.sample_rate,
                          channels_word(c->target.channels), c->written.sample_rate,
                          channels_word(c->written.channels));
}

/* What the model hears of a source; of the input once for all targets. */
static void tell_heard_input(const ap_composed *c)
{
    tell_still("input", c->variation_input, c->copy_r_input);
    tell_cancelled("input", c->cancelled_input, c->input.channels, false);
}

static void tell_heard_target(const ap_composed *c, const ap_config *config)
{
    const ap_output_part part = config->agent.output;
    const bool played = (part == AP_OUTPUT_TAKES || part == AP_OUTPUT_GATES) && c->written.channels > 1;
    tell_still("target", c->variation_target, c->copy_r_target);
    tell_cancelled("target", c->cancelled_target, c->target.channels, played);
}

static void tell_seeds(const answers *written, uint64_t first)
{
    if (written->count > 1)
        ap_text_print_wrapped(stdout, "seeds %" PRIu64 " to %" PRIu64 ": each gives its answer again\n",
                              first, first + written->count - 1);
}

static ap_status compose_answer(const ap_config *config, ap_model *model, const parsed_options *options,
                                const answer *one, const ap_compose_paths *settings)
{
    ap_compose_paths paths = *settings;
    ap_composed composed;
    paths.output = one->out;
    paths.knobs.seed += one->seed;
    AP_TRY(ap_compose_files(config, model, option_text(options, "input"), one->target, &paths,
                            progress_show_seconds, NULL, &composed));
    if (one->seed == 0) print_head();
    print_row(one->out, &composed);
    if (one->seed == 0) tell_heard_input(&composed);
    if (one->first) { /* what is the same for all variations */
        tell_heard_target(&composed, config);
        tell_converted(&composed);
        tell_written(config, &composed);
    }
    tell_quiet(1, composed.lowered >= LOWERED_LEAST, composed.lowered, limits(config, options));
    return ap_ok();
}

static ap_status compose_answers(const ap_config *config, ap_model *model, const parsed_options *options,
                                 const ap_compose_paths *settings, const answers *planned)
{
    tell_same(planned, option_text(options, "input"));
    AP_TRY(check_out(planned, option_text(options, "input")));
    AP_TRY(check_targets(planned));
    for (size_t k = 0; k < planned->count; k++)
        AP_TRY(compose_answer(config, model, options, &planned->at[k], settings));
    AP_TRY(answers_tell_alike(planned));
    if (ap_model_arranges(model)) tell_seeds(planned, settings->knobs.seed);
    return ap_ok();
}

static ap_status compose_files(const ap_config *config, ap_model *model, const parsed_options *options,
                               const ap_compose_paths *settings)
{
    size_t count = 0;
    while (option_text_at(options, "target", count)) count++;
    if (!option_given(options, "input") || !count)
        return ap_error(AP_MISUSE, "%s is missing: give --input and --target, or --pairs",
                        count ? "--input" : "--target");
    if (option_given(options, "format"))
        return ap_error(AP_MISUSE, "--format: is for --pairs; here the end of --out says it: .wav or .flac");
    const char **targets = ap_allocate(count, sizeof *targets);
    for (size_t k = 0; k < count; k++) targets[k] = option_text_at(options, "target", k);
    answers planned;
    ap_status status = answers_plan(option_text(options, "out"), targets, count,
                                    (size_t)option_integer(options, "variations"), &planned);
    if (!ap_failed(&status)) status = compose_answers(config, model, options, settings, &planned);
    answers_free(&planned);
    free(targets);
    return status;
}

/* Composes one pair of a folder into files named by its number. */
static ap_status compose_pair(const ap_config *config, ap_model *model, const ap_pair *pair, size_t number,
                              const char *folder, const char *format, const ap_compose_paths *settings,
                              ap_composed *composed)
{
    char *name = ap_format_text("%04zu", number);
    trio_paths paths = ap_trio_paths_of(folder, name, format);
    ap_status status = trio_compose(config, model, pair, &paths, settings, progress_show_seconds, composed);
    if (!ap_failed(&status)) status = ap_trio_note_pair(folder, name, pair->name);
    ap_trio_paths_free(&paths);
    free(name);
    return status;
}

static ap_status compose_pairs(const ap_config *config, ap_model *model, const parsed_options *options,
                               const ap_compose_paths *settings)
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
    size_t quiet = 0, converted = 0;
    for (size_t i = 0; i < count && !ap_failed(&status); i++) {
        ap_composed c;
        status = compose_pair(config, model, &pairs.at[i], i + 1, folder, option_text(options, "format"),
                              settings, &c);
        if (ap_failed(&status)) break;
        char *name = ap_format_text("%04zu (%s)", i + 1, pairs.at[i].name);
        print_row(name, &c);
        free(name);
        tell_lowered("input", c.gain_input);
        tell_lowered("target", c.gain_target);
        tell_heard_input(&c);
        tell_heard_target(&c, config);
        sum.cost += c.cost / (double)count;
        sum.written = c.written;
        converted += was_converted(&c);
        if (c.lowered < LOWERED_LEAST) continue;
        sum.lowered += c.lowered;
        quiet++;
    }
    if (!ap_failed(&status)) {
        ap_text_print_wrapped(stdout, "%zu composition%s in %s, mean cost %.3f\n", count,
                              ap_plural((int64_t)count), folder, sum.cost);
        if (converted)
            ap_text_print_wrapped(stdout, "%zu of %zu had sources that became %d Hz %s\n", converted, count,
                                  sum.written.sample_rate, channels_word(sum.written.channels));
        tell_written(config, &sum);
        tell_quiet(count, quiet, sum.lowered / (double)quiet, limits(config, options));
    }
    ap_pairs_free(&pairs);
    return status;
}

static ap_status check_format(const char *format)
{
    if (strcmp(format, "wav") == 0 || strcmp(format, "flac") == 0) return ap_ok();
    return ap_error(AP_MISUSE, "--format %s: is neither wav nor flac", format);
}

static ap_status run(const parsed_options *options)
{
    bool pairs = option_given(options, "pairs");
    if (pairs && (option_given(options, "input") || option_given(options, "target")))
        return ap_error(AP_MISUSE, "--pairs and --input/--target exclude each other");
    if (pairs && option_given(options, "variations"))
        return ap_error(AP_MISUSE, "--variations: is for --input and --target");
    AP_TRY(check_format(option_text(options, "format")));
    ap_config config;
    ap_model *model;
    ap_compose_paths settings;
    AP_TRY(asked(options, NULL, &settings)); /* before the work of loading */
    AP_TRY(checkpoint_load_agent(option_text(options, "checkpoint"), &config, &model));
    ap_status status = asked(options, &config, &settings);
    if (!ap_failed(&status))
        status = pairs ? compose_pairs(&config, model, options, &settings)
                       : compose_files(&config, model, options, &settings);
    ap_model_free(model);
    return status;
}

static const verb_option table[] = {
    {.name = "checkpoint",
     .placeholder = "FILE|RUN_DIR",
     .kind = OPTION_TEXT,
     .required = true,
     .help = "a checkpoint that train has written, or a run's folder: its best (the last where there is no "
             "best); data/compose.safetensors comes with the source"},
    {.name = "input",
     .placeholder = "A.wav",
     .kind = OPTION_TEXT,
     .help = "the recording that gives the timing"},
    {.name = "target",
     .placeholder = "B.wav",
     .kind = OPTION_TEXTS,
     .help = "the recording that gives harmony and timbre; given again, each gets an answer of its own: "
             "C_B.wav"},
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
     .help = "the file to write, .wav or .flac; with --pairs, the folder"},
    {.name = "format",
     .placeholder = "wav|flac",
     .kind = OPTION_TEXT,
     .fallback = "wav",
     .help = "with --pairs: the kind of the files"},
#define SETTING(id, type, text, initial, lowest, highest, takes, meaning)                                    \
    {.name = #id,                                                                                            \
     .placeholder = text,                                                                                    \
     .help = meaning,                                                                                        \
     .kind = OPTION_##type,                                                                                  \
     .fallback = initial,                                                                                    \
     .least = lowest,                                                                                        \
     .most = highest},
    AP_COMPOSE_SETTINGS(SETTING)
#undef SETTING
        {.name = "limit",
         .kind = OPTION_FLAG,
         .help = "turn down only the peaks that would clip at the sources' level, not the whole output"},
    {.name = NULL},
};

const verb verb_infer = {
    .name = "infer",
    .summary = "compose from your recordings with a checkpoint",
    .arguments = "--checkpoint FILE|RUN_DIR (--input A.wav --target B.wav [--target ...] --out C.wav | "
                 "--pairs DIR --out DIR)",
    .details =
        "Recordings may be WAV, FLAC, OGG, MP3 or AIFF, at any rate, with any number of channels. Each must\n"
        "last at least 0.25 s.\n"
        "Writes 16-bit WAV or FLAC as long as the shorter source, never clipped, at the level of the sources "
        "or as\n"
        "close to it as its peaks allow. Rate and channels are those that the checkpoint was trained for\n"
        "(data.sample_rate, data.channels) where its output part is takes; gates answer at 24 kHz in as "
        "many\n"
        "channels, all others at 24 kHz in one. Sources are converted, and that is said.\n"
        "Prints the correlation of the output's envelope with those of its sources (r, 250 segments of the\n"
        "average of the channels), the cost, and the variation of the envelopes (sigma / mu). A drone or\n"
        "silence has a low cost, too, but also a low variation.\n"
        "Several targets make an ensemble: each answers the same input, at the same times but with accents "
        "of\n"
        "its own, in a file of its own. How alike several answers are is printed as r of their envelopes.",
    .options = table,
    .least_arguments = 0,
    .most_arguments = 0,
    .run = run,
};
