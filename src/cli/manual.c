/* antiphon help --man: the manual page, from the tables that --help prints. */
#include "cli/verbs.h"

#include "config/table.h"

#include <stdlib.h>

/* Writes text so that roff prints it literally: backslashes and dashes are escaped, no line begins with a
 * control character, an empty line begins a paragraph. */
static void write_text(FILE *out, const char *text)
{
    bool line_begins = true;
    for (; *text; text++) {
        if (line_begins && (*text == '.' || *text == '\'')) fputs("\\&", out);
        line_begins = *text == '\n';
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else if (line_begins && text[1] == '\n')
            fputs("\n.PP", out);
        else
            fputc(*text, out);
    }
}

static void write_paragraph(FILE *out, const char *text)
{
    fputs(".PP\n", out);
    write_text(out, text);
    fputc('\n', out);
}

/* The head of a tagged paragraph: the name in bold, its placeholder in italics. */
static void write_tag(FILE *out, const char *name, const char *joint, const char *value)
{
    fputs(".TP\n\\fB\\-\\-", out);
    write_text(out, name);
    fprintf(out, "\\fR%s", joint);
    if (value) {
        fputs("\\fI", out);
        write_text(out, value);
        fputs("\\fR", out);
    }
    fputc('\n', out);
}

static void write_option(FILE *out, const verb_option *o)
{
    write_tag(out, o->name, option_joint(o), o->placeholder);
    char *text = option_describe(o);
    write_text(out, text);
    free(text);
    fputc('\n', out);
}

static void write_row(void *context, const char *name, const char *text)
{
    FILE *out = context;
    if (!name) {
        write_paragraph(out, text);
        return;
    }
    fputs(".TP\n\\fB", out);
    write_text(out, name);
    fputs("\\fR\n", out);
    write_text(out, text);
    fputc('\n', out);
}

static void write_verb(FILE *out, const verb *v)
{
    fprintf(out, ".SS \"%s: ", v->name);
    write_text(out, v->summary);
    fprintf(out, "\"\n\\fBantiphon %s\\fR ", v->name);
    write_text(out, v->arguments);
    fputc('\n', out);
    if (v->details) write_paragraph(out, v->details);
    for (const verb_option *o = v->options; o->name; o++) write_option(out, o);
    write_option(out, &option_help);
    if (v->rows) v->rows(write_row, out);
}

static void write_keys(FILE *out)
{
    ap_config config = ap_config_default();
    for (size_t i = 0; i < ap_config_key_count; i++) {
        const config_key *key = &ap_config_keys[i];
        if (ap_config_section_begins(i)) fprintf(out, ".SS %.*s\n", ap_config_section_length(key), key->name);
        char *value = ap_config_key_print(key, &config);
        write_tag(out, key->name, "=", value);
        write_text(out, key->help);
        if (key->type != TYPE_TEXT && key->type != TYPE_BOOL) {
            fputs(" (", out);
            write_text(out, ap_config_key_range(key).text);
            fputc(')', out);
        }
        fputc('\n', out);
        free(value);
    }
}

/* Left-aligned and without hyphenation: most words are names. */
static const char layout[] = ".nh\n.ad l\n";

/* The parts that are not in any table. */
static const char before_verbs[] =
    ".SH SYNOPSIS\n"
    ".B antiphon\n.I VERB\n.RI [ argument \" ...]\"\n.br\n"
    ".B antiphon help\n.RI [ VERB ]\n.br\n"
    ".B antiphon \\-\\-version\n"
    ".SH DESCRIPTION\n"
    "Antiphon trains, on CPUs only, a model that hears an input (say, drums) and a target (say, a piano) "
    "and\n"
    "answers with something new: timing from the first, harmony and timbre from the second, and a loudness\n"
    "envelope that copies neither. A cost on the correlation of the envelopes prevents copying.\n"
    ".PP\n"
    "A first run, with music that the program makes up itself:\n"
    ".PP\n.RS\n.nf\n"
    "antiphon synth \\-\\-out pairs \\-\\-pairs 40 \\-\\-seconds 4\n"
    "antiphon train quick.json \\-\\-data.path=pairs \\-\\-out run\n"
    "antiphon infer \\-\\-checkpoint run/checkpoints/best.safetensors \\-\\-pairs pairs \\-\\-out samples\n"
    ".fi\n.RE\n";

static const char before_keys[] =
    "A configuration is a JSON file of sections with keys. Every key can be given on the command line, too,\n"
    "which overrides the file. The defaults are shown here.\n";

static const char after_keys[] =
    ".SH FILES\n"
    ".TP\n.I share/antiphon/configs/*.json\n"
    "Configurations to start from, and the JSON Schema that editors check them with.\n"
    ".TP\n.I SET/{train,val}/pair_NNNN_{input,target}.wav\n"
    "A pair set: inputs and their targets.\n"
    ".TP\n.I RUN/config.json, RUN/log.jsonl, RUN/checkpoints/{last,best}.safetensors, RUN/samples/\n"
    "A run: its configuration with all defaults, its metrics, its checkpoints, its compositions.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B OMP_NUM_THREADS\n"
    "The number of threads if \\fBtrain.threads\\fR is 0 or a verb has no configuration.\n"
    ".TP\n.B MLFLOW_TRACKING_URI\n"
    "Where metrics go if \\fBtrack.uri\\fR is empty; with \\fBMLFLOW_TRACKING_USERNAME\\fR,\n"
    "\\fBMLFLOW_TRACKING_PASSWORD\\fR, \\fBMLFLOW_TRACKING_TOKEN\\fR and "
    "\\fBMLFLOW_TRACKING_INSECURE_TLS\\fR\n"
    "as for MLflow's own client.\n"
    ".SH \"EXIT STATUS\"\n"
    ".TP\n.B 0\nDone.\n"
    ".TP\n.B 1\nA failure, reported in one line on the standard error.\n"
    ".TP\n.B 2\nMisuse: of the command line or of the configuration.\n"
    ".TP\n.B 130\nInterrupted; \\fBtrain\\fR has saved its state.\n";

void manual_print(FILE *out)
{
    fprintf(out, ".TH ANTIPHON 1 \"\" \"antiphon %s\" \"User Commands\"\n", AP_VERSION);
    fputs(layout, out);
    fputs(".SH NAME\nantiphon \\- " PROGRAM_SUMMARY "\n", out);
    fputs(before_verbs, out);
    fputs(".SH VERBS\nIn the names of options, dashes and underscores are equal.\n", out);
    for (const verb *const *v = verbs; *v; v++) write_verb(out, *v);
    fputs(".SH CONFIGURATION\n", out);
    fputs(before_keys, out);
    write_keys(out);
    fputs(after_keys, out);
}
