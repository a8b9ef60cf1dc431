/* antiphon prepare: makes pairs from the user's own recordings. */
#include "antiphon/prepare.h"

#include "base/print.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/verbs.h"

#include <sys/stat.h>

/* clang-format off */
static const verb_option options[] = {
    {.name = "inputs", .placeholder = "DIR", .kind = OPTION_TEXT, .help = "recordings of inputs (drums, say)"},
    {.name = "targets", .placeholder = "DIR", .kind = OPTION_TEXT, .help = "recordings of targets (a piano, say)"},
    {.name = "songs", .placeholder = "DIR", .kind = OPTION_TEXT,
     .help = "in place of both: recordings of any kind; input and target are two windows of the same recording"},
    {.name = "out", .placeholder = "DIR", .kind = OPTION_TEXT, .required = true, .help = "folder for the pairs, empty or new"},
    {.name = "seconds", .placeholder = "S", .kind = OPTION_NUMBER, .fallback = "16", .least = 0.5, .most = 3600,
     .help = "length of each window"},
    {.name = "sample_rate", .placeholder = "R", .kind = OPTION_INTEGER, .fallback = "44100", .least = 16000, .most = 96000,
     .help = "samples a second of the pairs; 44100 is what configs/compose.json composes at"},
    {.name = "channels", .placeholder = "1|2", .kind = OPTION_INTEGER, .fallback = "2", .least = 1, .most = 2,
     .help = "channels of the pairs"},
    {.name = "val-share", .placeholder = "V", .kind = OPTION_NUMBER, .fallback = "0.2", .least = 0, .most = 0.9,
     .help = "share of the recordings kept for validation; train needs some"},
    {.name = "strict", .kind = OPTION_FLAG, .help = "fail, and write nothing, if a recording is left out"},
    {.name = NULL},
};
/* clang-format on */

static void tell_left_out(const char *line)
{
    progress_clear();
    ap_text_print(stdout, "left out: %s\n", line);
}

/* Any match other than by equal names may be wrong, so it is reported with an example. */
static void tell_match(const ap_prepare_options *o, const ap_prepare_report *r)
{
    if (!o->inputs || r->matched == AP_PREPARE_BY_NAME) return;
    ap_text_print_wrapped(stdout, "matched by %s: %s with %s\n",
                          r->matched == AP_PREPARE_BY_PART ? "the varying part of their names"
                                                           : "their sorted order, because no names agree",
                          r->example[0], r->example[1]);
}

static void print_report(const ap_prepare_options *o, const ap_prepare_report *r)
{
    ap_text_print_wrapped(
        stdout,
        "%s: pairs of %g s, %d Hz %s, %lld for training, %lld for validation, from %lld recording%s\n",
        o->out, o->seconds, o->sample_rate, o->channels == 1 ? "mono" : "stereo", (long long)r->training,
        (long long)r->validation, (long long)r->recordings, ap_plural(r->recordings));
    tell_match(o, r);
    if (r->silent)
        ap_text_print_wrapped(stdout, "left out: %lld silent window%s (below -60 dBFS)\n",
                              (long long)r->silent, ap_plural(r->silent));
    if (r->remainders)
        ap_text_print_wrapped(stdout, "left out: the end of %lld recording%s, shorter than a window\n",
                              (long long)r->remainders, ap_plural(r->remainders));
    if (r->lowered)
        ap_text_print_wrapped(stdout, "lowered to a peak of %g: %lld window%s beyond full scale\n",
                              AP_PREPARE_PEAK, (long long)r->lowered, ap_plural(r->lowered));
    static const char *const splits[] = {"train", "val"};
    for (int k = 0; k < 2; k++)
        ap_text_print_wrapped(stdout, "%s/%s: %.2f hours of pairs, %.2f GB\n", o->out, splits[k],
                              r->seconds[k] / 3600, r->bytes[k] / 1e9);
    if (r->left_out)
        ap_text_print_wrapped(stdout, "left out: %lld recording%s, named above\n", (long long)r->left_out,
                              ap_plural(r->left_out));
    if (!r->validation)
        ap_text_print_wrapped(stdout, "no pair for validation%s: train needs some in %s/val\n",
                              o->validation > 0 ? " is left, the recordings are too few or too short" : "",
                              o->out);
}

static bool same_folder(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static ap_status check_sources(const ap_prepare_options *o)
{
    if (o->songs && (o->inputs || o->targets))
        return ap_error(AP_MISUSE, "--songs takes the place of --inputs and --targets");
    if (!o->songs && !(o->inputs && o->targets))
        return ap_error(AP_MISUSE, "--inputs DIR and --targets DIR, or --songs DIR, are missing");
    if (!o->songs && same_folder(o->inputs, o->targets))
        return ap_error(AP_MISUSE,
                        "--inputs and --targets are one folder, %s: --songs makes pairs of two windows of a "
                        "recording",
                        o->inputs);
    return ap_ok();
}

static ap_status run(const parsed_options *given)
{
    ap_prepare_options o = {.inputs = option_text(given, "inputs"),
                            .targets = option_text(given, "targets"),
                            .songs = option_text(given, "songs"),
                            .out = option_text(given, "out"),
                            .seconds = option_number(given, "seconds"),
                            .sample_rate = (int)option_integer(given, "sample_rate"),
                            .channels = (int)option_integer(given, "channels"),
                            .validation = option_number(given, "val-share"),
                            .strict = option_flag(given, "strict"),
                            .progress = progress_show,
                            .left_out = tell_left_out};
    ap_prepare_report report;
    AP_TRY(check_sources(&o));
    ap_status status = ap_prepare(&o, &report);
    progress_clear();
    if (ap_failed(&status)) return status;
    if (report.whole)
        ap_text_print(stdout, "%s: whole: an earlier run had all but moved the pairs there\n", o.out);
    else
        print_report(&o, &report);
    return status;
}

const verb verb_prepare = {
    .name = "prepare",
    .summary = "make pairs from recordings of your own",
    .arguments = "--inputs DIR --targets DIR --out DIR | --songs DIR --out DIR",
    .details =
        "Recordings may be WAV, FLAC, OGG, MP3 or AIFF, at any rate, with any number of channels. Folders "
        "are\n"
        "searched recursively. Recordings are converted to the set's rate and channels, and cut into "
        "windows;\n"
        "training hears the average of the channels at 24 kHz, whatever they are. Inputs and targets are\n"
        "matched by their names without extension, or by the varying part of their names (drums_2 with\n"
        "piano_02), or else, if there are as many of both, by their sorted order. Everything that is left "
        "out\n"
        "is reported.\n"
        "Validation gets whole recordings, or the end of the only one.\n"
        "The set appears in DIR when it is complete; until then it is in DIR/unfinished. The same command "
        "goes on\n"
        "with what an interrupted one has left there.",
    .options = options,
    .run = run,
};
