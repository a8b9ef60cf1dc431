/* antiphon evaluate: what a listener would measure in composed pieces, beside what needs no learning. */
#include "cli/verbs.h"

#include "antiphon/audio.h"
#include "antiphon/evaluate.h"
#include "core/folder.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* One composed piece is three files: NAME, then one of these. */
enum { INPUT, TARGET, OUTPUT, PARTS };
static const char *const endings[PARTS] = {"_1_input.wav", "_2_target.wav", "_3_output.wav"};

/* ---------------------------------------------------------------- a folder of pieces */

/* Every NAME that has an output; that its sources are there too is found on reading them. */
static ap_status list_pieces(const char *folder, ap_names *found)
{
    const size_t end = strlen(endings[OUTPUT]);
    ap_names files;
    *found = (ap_names){.at = NULL};
    AP_TRY(ap_folder_list(folder, &files));
    for (size_t k = 0; k < files.count; k++) {
        char *name = files.at[k];
        size_t length = strlen(name);
        if (length <= end || strcmp(name + length - end, endings[OUTPUT]) != 0) continue;
        name[length - end] = '\0';
        ap_names_add(found, name);
    }
    ap_names_free(&files);
    if (found->count) return ap_ok();
    return ap_error(AP_FAILED, "%s: holds no composed piece (NAME%s)", folder, endings[OUTPUT]);
}

static ap_status read_part(const char *folder, const char *name, int part, ap_audio *audio)
{
    char *path = ap_format_text("%s/%s%s", folder, name, endings[part]);
    ap_status status = ap_audio_read(path, AP_SAMPLE_RATE, audio);
    free(path);
    return status;
}

/* ---------------------------------------------------------------- scores */

enum { COMPOSED }; /* the first row */

static ap_status score_parts(ap_evaluation *evaluation, const char *name, const ap_audio parts[PARTS],
                             const ap_baseline_options *baselines)
{
    int64_t n = parts[OUTPUT].count; /* what one part has more than the others is left out */
    for (int p = 0; p < PARTS; p++) n = parts[p].count < n ? parts[p].count : n;
    AP_TRY(ap_evaluation_begin(evaluation, name, n, parts[INPUT].samples, parts[TARGET].samples));
    AP_TRY(ap_evaluation_score(evaluation, COMPOSED, parts[OUTPUT].samples));
    return baselines ? ap_evaluation_score_baselines(evaluation, baselines) : ap_ok();
}

static ap_status score_piece(ap_evaluation *evaluation, const char *folder, const char *name,
                             const ap_baseline_options *baselines)
{
    ap_audio parts[PARTS] = {{.samples = NULL}};
    ap_status status = ap_ok();
    for (int p = 0; p < PARTS && !ap_failed(&status); p++) status = read_part(folder, name, p, &parts[p]);
    if (!ap_failed(&status)) status = score_parts(evaluation, name, parts, baselines);
    for (int p = 0; p < PARTS; p++) ap_audio_free(&parts[p]);
    return status;
}

static ap_status score_folder(ap_evaluation *evaluation, const char *folder,
                              const ap_baseline_options *baselines)
{
    ap_names pieces;
    ap_status status = list_pieces(folder, &pieces);
    for (size_t k = 0; k < pieces.count && !ap_failed(&status); k++)
        status = score_piece(evaluation, folder, pieces.at[k], baselines);
    ap_names_free(&pieces);
    return status;
}

static ap_status run(const parsed_options *options)
{
    const char *json = option_text(options, "json");
    const ap_baseline_options baselines = {.seed = (uint64_t)option_integer(options, "seed")};
    bool alone = option_flag(options, "no_baselines");
    ap_evaluation *evaluation = ap_evaluation_create();
    ap_evaluation_add_system(evaluation, "composed");
    if (!alone) ap_evaluation_add_baselines(evaluation);
    ap_status status = score_folder(evaluation, option_text(options, "composed"), alone ? NULL : &baselines);
    if (!ap_failed(&status)) {
        ap_evaluation_finish(evaluation);
        ap_evaluation_print(evaluation, stdout);
        if (json) status = ap_evaluation_write(evaluation, json);
    }
    ap_evaluation_free(evaluation);
    return status;
}

static const verb_option table[] = {
    {.name = "composed",
     .placeholder = "DIR",
     .kind = OPTION_TEXT,
     .required = true,
     .help = "folder of NAME_1_input.wav, NAME_2_target.wav and NAME_3_output.wav"},
    {.name = "json",
     .placeholder = "FILE",
     .kind = OPTION_TEXT,
     .help = "write every number of every piece to this file, too"},
    {.name = "no_baselines", .kind = OPTION_FLAG, .help = "measure the composed pieces alone"},
    {.name = "seed",
     .placeholder = "N",
     .kind = OPTION_INTEGER,
     .fallback = "1",
     .help = "of the baselines that need chance: noise and musaicing"},
    {.name = NULL},
};

const verb verb_evaluate = {
    .name = "evaluate",
    .summary = "what a listener would measure in composed pieces",
    .arguments = "--composed DIR [--json FILE]",
    .details =
        "Measures how much each output copies its two sources, what it takes from which, and whether it is "
        "music,\n"
        "and prints the means beside those of compositions that need no learning: copies, mixes, an imposed\n"
        "envelope, ring modulation, musaicing, delays, silence, noise, the codec alone. A measure on which "
        "one of\n"
        "those does well is not enough by itself; all of them together are what the model is for.\n\n"
        "Parts of different lengths are measured up to the end of the shortest.",
    .options = table,
    .run = run,
};
