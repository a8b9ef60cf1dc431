/* antiphon report: the page of a run or of a study as a single HTML file. */
#include "cli/verbs.h"

#include "antiphon/report.h"
#include "base/print.h"
#include "base/replace.h"

static ap_status run(const parsed_options *options)
{
    const char *folder = options->arguments[0], *out = option_text(options, "out");
    if (out) AP_TRY(ap_replace_check(out, AP_FILE_HTML));
    AP_TRY(ap_report_write(folder, out, option_integer(options, "num_samples")));
    if (out)
        ap_text_print(stdout, "%s\n", out);
    else
        ap_text_print(stdout, "%s/report.html\n", folder);
    return ap_ok();
}

static const verb_option table[] = {
    {.name = "out",
     .placeholder = "FILE",
     .kind = OPTION_TEXT,
     .help = "the file to write (default: report.html in the run folder)"},
    {.name = "num_samples",
     .placeholder = "N",
     .kind = OPTION_INTEGER,
     .fallback = "8",
     .least = 0,
     .most = 1e6,
     .help = "show at most this many compositions"},
    {.name = NULL},
};

const verb verb_report = {
    .name = "report",
    .summary = "make one HTML page of a run, to look at and listen to",
    .arguments = "RUN_DIR [--out FILE] [--num_samples N]",
    .details =
        "Writes the compositions, with players that go on at the same place when you switch, the curves, "
        "the evaluation\n"
        "and the configuration into a single HTML file that needs no network and no other file. "
        "Compositions are those\n"
        "of RUN_DIR/samples; the evaluation is RUN_DIR/evaluation.json, as written by\n"
        "`antiphon evaluate --json`.\n"
        "\n"
        "For the folder of a study (`antiphon study`) it writes the table, charts of the criteria and "
        "the compositions in\n"
        "its samples/.",
    .options = table,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run,
};
