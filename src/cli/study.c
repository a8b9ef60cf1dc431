/* antiphon study: the table of an ablation study. */
#include "cli/verbs.h"

#include "antiphon/study.h"
#include "base/replace.h"

static ap_status run(const parsed_options *options)
{
    ap_study study;
    const char *json = option_text(options, "json");
    if (json) AP_TRY(ap_replace_check(json, AP_FILE_JSON));
    AP_TRY(ap_study_read(options->arguments[0], &study));
    ap_study_print(&study, stdout);
    ap_status status = json ? ap_study_write(&study, json) : ap_ok();
    ap_study_free(&study);
    return status;
}

static const verb_option table[] = {
    {.name = "json",
     .placeholder = "FILE",
     .kind = OPTION_TEXT,
     .help = "also write everything to this file"},
    {.name = NULL},
};

const verb verb_study = {
    .name = "study",
    .summary = "compare the runs of a study with criteria",
    .arguments = "STUDY_DIR [--json FILE]",
    .details =
        "Makes one table of the evaluations of many runs: one row per arm, with means over its seeds and all "
        "pieces, and\n"
        "the baselines below. Each criterion is marked as met or not; the last column says whether all are.\n"
        "\n"
        "STUDY_DIR, which scripts/study.sh makes, holds arms.txt (one line per arm, NAME = what it "
        "changes),\n"
        "NAME-SEED/evaluation.json for each run, and baselines.json, as `antiphon evaluate --json` writes "
        "them. Runs\n"
        "that have not ended are left out.",
    .options = table,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run,
};
