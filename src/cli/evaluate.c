/* antiphon evaluate: measures composed pieces, and compositions that need no learning for comparison. */
#include "cli/verbs.h"

#include "antiphon/audio.h"
#include "antiphon/evaluate.h"
#include "antiphon/pairs.h"
#include "antiphon/stop.h"
#include "audio/recordings.h"
#include "base/bounds.h"
#include "base/folder.h"
#include "base/leftovers.h"
#include "base/memory.h"
#include "base/replace.h"
#include "base/scratch.h"
#include "cli/checkpoint.h"
#include "cli/progress.h"
#include "cli/trio.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMPOSED }; /* the first row of the table, where something is composed */

/* Everything that scoring a piece needs. */
typedef struct session {
    ap_evaluation *evaluation;
    bool composed, baselines;
    ap_baseline_options options;
    const char *write, *piece; /* the folder for the baselines' compositions, or NULL; of which piece */
    const ap_audio *trio;      /* its recordings */
} session;

/* ---------------------------------------------------------------- what the baselines compose */

#define PEAK_MOST 0.99

/* "target struck anew" as the name of a folder. */
static char *folder_of(const char *folder, ap_baseline baseline)
{
    char *path = ap_format_text("%s/%s", folder, ap_baseline_name(baseline));
    for (char *at = path + strlen(folder) + 1; *at; at++)
        if (*at == ' ') *at = '_';
    return path;
}

/* Turned down where it would clip. */
static ap_status write_output(const char *path, int64_t n, const ap_real *y)
{
    double peak = 0;
    for (int64_t t = 0; t < n; t++) peak = fmax(peak, fabs((double)y[t]));
    ap_audio audio = {
        .rate = AP_SAMPLE_RATE, .count = n, .samples = ap_allocate((size_t)n, sizeof *audio.samples)};
    ap_real factor = (ap_real)(peak > PEAK_MOST ? PEAK_MOST / peak : 1);
    for (int64_t t = 0; t < n; t++) audio.samples[t] = factor * y[t];
    ap_status status = ap_audio_write(path, &audio);
    ap_audio_free(&audio);
    return status;
}

static ap_status write_baseline(void *context, ap_baseline baseline, int64_t n, const ap_real *y)
{
    session *s = context;
    char *folder = folder_of(s->write, baseline);
    trio_paths paths = ap_trio_paths_of(folder, s->piece, "wav");
    ap_status status = ap_make_folder(folder);
    for (int k = 0; k < TRIO_OUTPUT && !ap_failed(&status); k++)
        status = ap_audio_write(paths.at[k], &s->trio[k]);
    if (!ap_failed(&status)) status = write_output(paths.at[TRIO_OUTPUT], n, y);
    ap_trio_paths_free(&paths);
    free(folder);
    return status;
}

/* ---------------------------------------------------------------- one piece */

/* `other` is the path of another piece's target, of which n samples are used; NULL if there is none. */
static ap_status score_baselines(session *s, const char *other, int64_t n)
{
    ap_audio audio = {.samples = NULL};
    if (other) AP_TRY(ap_audio_read_start(other, AP_SAMPLE_RATE, n, &audio));
    s->options.other = audio.samples;
    s->options.other_count = audio.count;
    ap_status status = ap_evaluation_score_baselines(s->evaluation, &s->options);
    ap_audio_free(&audio);
    return status;
}

/* Compares the stereo image of the output with the target's, where both have two channels. */
static ap_status score_image(session *s, const char *const paths[TRIO])
{
    ap_audio output, target = {.samples = NULL};
    AP_TRY(ap_audio_read_channels(paths[TRIO_OUTPUT], 0, 0, &output));
    ap_status status = ap_ok();
    if (output.channels == 2)
        status = ap_audio_read_some(paths[TRIO_TARGET], output.rate, 0, output.count, &target);
    if (target.channels == 2) {
        const ap_real *x[2] = {output.samples, output.samples + output.count},
                      *y[2] = {target.samples, target.samples + target.count};
        int64_t n = target.count < output.count ? target.count : output.count;
        ap_evaluation_score_image(s->evaluation, output.rate, n, x, y);
    }
    ap_audio_free(&output);
    ap_audio_free(&target);
    return status;
}

/* Without an output, which is then not composed, the target stands in its place. */
static ap_status score(session *s, const char *name, const char *const paths[TRIO], const char *other)
{
    ap_audio trio[TRIO];
    int64_t lengths[TRIO];
    AP_TRY(ap_trio_read(paths, trio, lengths));
    int64_t n = trio[TRIO_OUTPUT].count;
    trio_tell_lengths(s->composed ? paths[TRIO_OUTPUT] : name, lengths, n);
    s->piece = name;
    s->trio = trio;
    ap_status status =
        ap_evaluation_begin(s->evaluation, name, n, trio[TRIO_INPUT].samples, trio[TRIO_TARGET].samples);
    if (!ap_failed(&status) && s->composed)
        status = ap_evaluation_score(s->evaluation, COMPOSED, trio[TRIO_OUTPUT].samples);
    if (!ap_failed(&status) && s->composed) status = score_image(s, paths);
    if (!ap_failed(&status) && s->baselines) status = score_baselines(s, other, n);
    ap_trio_free(trio);
    return status;
}

/* ---------------------------------------------------------------- pieces that are there already */

static ap_status score_folder(session *s, const char *folder)
{
    ap_names pieces;
    ap_status status = ap_trio_names_list(folder, &pieces);
    if (!ap_failed(&status) && pieces.count == 0)
        status = ap_error(AP_FAILED,
                          "%s: holds no composed piece (NAME_1_input.wav, NAME_2_target.wav and "
                          "NAME_3_output.wav, or .flac)",
                          folder);
    for (size_t k = 0; k < pieces.count && !ap_failed(&status); k++) {
        progress_show("pieces", (int64_t)k, (int64_t)pieces.count);
        trio_paths paths = ap_trio_paths_find(folder, pieces.at[k]);
        trio_paths next = ap_trio_paths_find(folder, pieces.at[(k + 1) % pieces.count]);
        status = score(s, pieces.at[k], (const char *const *)paths.at,
                       pieces.count > 1 ? next.at[TRIO_TARGET] : NULL);
        ap_trio_paths_free(&next);
        ap_trio_paths_free(&paths);
    }
    progress_clear();
    ap_names_free(&pieces);
    return status;
}

/* ---------------------------------------------------------------- pieces that a model composes */

/* The baseline "target through codec" with the model's own codec. */
static void model_round_trip(void *context, int64_t n, const ap_real *x, ap_real *y)
{
    ap_tape *tape = ap_tape_create(0);
    ap_tape_gradients_set(tape, false);
    memcpy(y, ap_codec_round_trip(tape, context, n, x), (size_t)n * sizeof *y);
    ap_tape_free(tape);
}

/* Composes into files and scores the files, so that exactly what infer writes is measured, level and 16 bits
 * included. */
static ap_status score_pair(session *s, const ap_config *config, ap_model *model, const ap_pair *pair,
                            const char *other, const char *folder, bool kept)
{
    trio_paths paths = ap_trio_paths_of(folder, pair->name, "wav");
    ap_status status =
        trio_compose(config, model, pair, &paths, &(ap_compose_paths){.limit = false}, NULL, NULL);
    if (!ap_failed(&status)) status = score(s, pair->name, (const char *const *)paths.at, other);
    for (int k = 0; k < TRIO && !kept; k++) unlink(paths.at[k]);
    ap_trio_paths_free(&paths);
    return status;
}

static ap_status score_pairs(session *s, const ap_config *config, ap_model *model, const ap_pairs *pairs,
                             int64_t most, const char *folder, bool kept)
{
    int64_t count = ap_least((int64_t)pairs->count, most);
    ap_status status = ap_ok();
    for (int64_t k = 0; k < count && !ap_failed(&status); k++) {
        progress_show("pairs", k, count);
        const char *other = pairs->count > 1 ? pairs->at[(size_t)(k + 1) % pairs->count].target : NULL;
        status = score_pair(s, config, model, &pairs->at[k], other, folder, kept);
    }
    progress_clear();
    return status;
}

/* Without a model: the baselines alone. */
static ap_status score_sources(session *s, const parsed_options *options)
{
    ap_pairs pairs;
    AP_TRY(ap_pairs_list_held_out(option_text(options, "pairs"), &pairs));
    int64_t count = ap_least((int64_t)pairs.count, option_integer(options, "num_samples"));
    ap_status status = ap_ok();
    for (int64_t k = 0; k < count && !ap_failed(&status); k++) {
        progress_show("pairs", k, count);
        const ap_pair *pair = &pairs.at[k];
        const char *other = pairs.count > 1 ? pairs.at[(size_t)(k + 1) % pairs.count].target : NULL;
        const char *const paths[TRIO] = {pair->input, pair->target, pair->target};
        status = score(s, pair->name, paths, other);
    }
    progress_clear();
    ap_pairs_free(&pairs);
    return status;
}

/* Removes a temporary folder with its content. */
static void remove_temporary(const char *folder)
{
    ap_names names;
    ap_status status = ap_folder_list(folder, &names);
    for (size_t k = 0; !ap_failed(&status) && k < names.count; k++) {
        char *path = ap_format_text("%s/%s", folder, names.at[k]);
        unlink(path);
        free(path);
    }
    ap_names_free(&names);
    rmdir(folder);
}

/* Makes a temporary folder for pieces that are not kept. It is registered before it is there, as memory may
 * run out right after. */
static ap_status make_temporary(char **folder, ap_leftover **left)
{
    *folder = ap_format_text("%s/antiphon-XXXXXX", ap_scratch_folder());
    *left = ap_leftover_note(*folder, remove_temporary);
    if (mkdtemp(*folder)) {
        ap_leftover_rename(*left, *folder);
        return ap_ok();
    }
    ap_leftover_forget(*left);
    ap_status status = ap_error(AP_FAILED, "%s: cannot be created: %s", *folder, strerror(errno));
    free(*folder);
    return status;
}

static ap_status score_into_folder(session *s, const ap_config *config, ap_model *model,
                                   const ap_pairs *pairs, const parsed_options *options)
{
    const char *out = option_text(options, "out");
    int64_t most = option_integer(options, "num_samples");
    if (out) {
        AP_TRY(ap_make_folder(out));
        return score_pairs(s, config, model, pairs, most, out, true);
    }
    char *folder;
    ap_leftover *left;
    AP_TRY(make_temporary(&folder, &left));
    ap_status status = score_pairs(s, config, model, pairs, most, folder, false);
    remove_temporary(folder);
    ap_leftover_forget(left);
    free(folder);
    return status;
}

static ap_status score_model(session *s, const parsed_options *options)
{
    ap_config config;
    ap_model *model;
    ap_pairs pairs;
    AP_TRY(checkpoint_load_agent(option_text(options, "checkpoint"), &config, &model));
    s->options.round_trip = model_round_trip;
    s->options.round_trip_context = (void *)ap_model_codec(model);
    ap_status status = ap_pairs_list_held_out(option_text(options, "pairs"), &pairs);
    if (!ap_failed(&status)) {
        status = score_into_folder(s, &config, model, &pairs, options);
        ap_pairs_free(&pairs);
    }
    ap_model_free(model);
    return status;
}

/* ---------------------------------------------------------------- the verb */

static ap_status check_form(const parsed_options *options)
{
    bool composed = option_given(options, "composed");
    bool checkpoint = option_given(options, "checkpoint"), pairs = option_given(options, "pairs");
    if (composed && (checkpoint || pairs))
        return ap_error(AP_MISUSE, "--composed and --checkpoint/--pairs exclude each other");
    if (!composed && !pairs)
        return ap_error(AP_MISUSE, checkpoint
                                       ? "--pairs is missing: give --checkpoint and --pairs, or --composed"
                                       : "--pairs or --composed is missing");
    if (option_given(options, "out") && !checkpoint)
        return ap_error(AP_MISUSE, "--out needs --checkpoint: without it nothing is composed");
    bool baselines = !option_flag(options, "no_baselines");
    if (!baselines && option_given(options, "write_baselines"))
        return ap_error(AP_MISUSE, "--write_baselines and --no_baselines exclude each other");
    if (!baselines && !composed && !checkpoint)
        return ap_error(AP_MISUSE,
                        "--no-baselines leaves nothing to measure: give --checkpoint or --composed");
    return ap_ok();
}

/* Checked before the work, not after it. */
static ap_status check_writable(const char *path)
{
    ap_replacement place;
    AP_TRY(ap_replace_check(path, AP_FILE_JSON));
    AP_TRY(ap_replace_begin(path, &place));
    ap_replace_abandon(&place);
    return ap_ok();
}

static ap_status run(const parsed_options *options)
{
    AP_TRY(check_form(options));
    const char *json = option_text(options, "json");
    if (json) AP_TRY(check_writable(json));
    const char *composed = option_text(options, "composed");
    bool model = option_given(options, "checkpoint");
    session s = {.evaluation = ap_evaluation_create(),
                 .composed = model || composed,
                 .baselines = !option_flag(options, "no_baselines"),
                 .write = option_text(options, "write_baselines")};
    s.options = (ap_baseline_options){.seed = (uint64_t)option_integer(options, "seed"),
                                      .keep = s.write ? write_baseline : NULL,
                                      .keep_context = &s};
    if (s.composed) ap_evaluation_add_system(s.evaluation, "composed");
    if (s.baselines) ap_evaluation_add_baselines(s.evaluation);
    ap_status status = s.write ? ap_make_folder(s.write) : ap_ok();
    if (!ap_failed(&status))
        status = model      ? score_model(&s, options)
                 : composed ? score_folder(&s, composed)
                            : score_sources(&s, options);
    if (!ap_failed(&status)) {
        ap_evaluation_finish(s.evaluation);
        status = ap_stop_check();
    }
    if (!ap_failed(&status)) {
        ap_evaluation_print(s.evaluation, stdout);
        if (json) status = ap_evaluation_write(s.evaluation, json);
    }
    ap_evaluation_free(s.evaluation);
    return status;
}

static const verb_option table[] = {
    {.name = "checkpoint",
     .placeholder = "FILE|RUN_DIR",
     .kind = OPTION_TEXT,
     .help = "a checkpoint that train has written, or a run's folder: its best (the last where there is no "
             "best)"},
    {.name = "pairs",
     .placeholder = "DIR",
     .kind = OPTION_TEXT,
     .help = "what is composed from: the pairs of a set (its val/, if there is one) or folder"},
    {.name = "num_samples",
     .placeholder = "N",
     .kind = OPTION_INTEGER,
     .fallback = "50",
     .least = 1,
     .most = 1e6,
     .help = "with --pairs: compose at most this many"},
    {.name = "out",
     .placeholder = "DIR",
     .kind = OPTION_TEXT,
     .help = "with --pairs: keep the compositions in this folder"},
    {.name = "composed",
     .placeholder = "DIR",
     .kind = OPTION_TEXT,
     .help = "measure pieces that are there already, from any program: NAME_1_input.wav, NAME_2_target.wav, "
             "NAME_3_output.wav, or .flac"},
    {.name = "json",
     .placeholder = "FILE",
     .kind = OPTION_TEXT,
     .help = "also write all numbers of all pieces to this file"},
    {.name = "write_baselines",
     .placeholder = "DIR",
     .kind = OPTION_TEXT,
     .help = "also write what the baselines compose: a folder in DIR each, as for --composed"},
    {.name = "no_baselines", .kind = OPTION_FLAG, .help = "measure only the composed pieces"},
    {.name = "seed",
     .placeholder = "N",
     .kind = OPTION_INTEGER,
     .fallback = "1",
     .least = 0,
     .most = 1e9,
     .help = "seed of the baselines that are random: noise, musaicing and strokes"},
    {.name = NULL},
};

/* The columns of the tables, in their order. */
static void put_columns(verb_put_row *put, void *context)
{
    const ap_metric_group *groups;
    const size_t count = ap_metric_groups(&groups);
    put(context, NULL, "The columns, and what is good (- is no value):");
    for (size_t g = 0; g < count; g++) {
        put(context, NULL, groups[g].question);
        for (const ap_metric *m = groups[g].columns; *m != AP_METRIC_COUNT; m++) {
            const ap_metric_text text = ap_metric_describe(*m);
            char *name =
                *text.unit ? ap_format_text("%s (%s)", text.name, text.unit) : ap_copy_text(text.name);
            char *line = *text.good ? ap_format_text("%s; good: %s", text.meaning, text.good)
                                    : ap_copy_text(text.meaning);
            put(context, name, line);
            free(line);
            free(name);
        }
    }
}

const verb verb_evaluate = {
    .name = "evaluate",
    .summary = "what a listener would measure in composed pieces",
    .arguments = "([--checkpoint FILE|RUN_DIR [--out DIR]] --pairs DIR | --composed DIR) [--json FILE]",
    .details =
        "Measures how much each output copies its two sources, what it takes from each, and whether "
        "it is music. For\n"
        "comparison it prints the means of compositions that need no learning: copies, mixes, an "
        "imposed envelope, ring\n"
        "modulation, musaicing, delays, what a musician does by hand (notes of the target struck at the "
        "input's hits, a gate, a\n"
        "vocoder), silence, noise, the codec alone, and the target of another pair (the next in the "
        "list, after the last the\n"
        "first), which shows the result for unrelated music. One good measure proves nothing, since one of "
        "these reaches it, too.\n"
        "A good model does well in all measures at once. With --pairs alone only the baselines are "
        "measured.\n"
        "\n"
        "Recordings of different lengths are measured up to the end of the shortest.",
    .options = table,
    .run = run,
    .rows = put_columns,
};
