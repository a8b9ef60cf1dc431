#include "cli/verbs.h"

#include "base/memory.h"
#include "base/print.h"
#include "base/suggest.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "kernels/blas.h"
#include "kernels/kernel.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The shell's exit code for a program ended by SIGINT: 128 + 2. */
#define EXIT_INTERRUPTED 130

static int exit_code(ap_code code)
{
    switch (code) {
    case AP_OK:
        return 0;
    case AP_FAILED:
        return 1;
    case AP_MISUSE:
        return 2;
    case AP_INTERRUPTED:
        return EXIT_INTERRUPTED;
    }
    return 1;
}

static void print_overview(FILE *out)
{
    fprintf(out, "antiphon: " PROGRAM_SUMMARY "\n\n"
                 "Usage: antiphon VERB ...\n\nVerbs:\n");
    for (size_t k = 0; verbs[k]; k++) fprintf(out, "  %-14s%s\n", verbs[k]->name, verbs[k]->summary);
    fprintf(out, "\n`antiphon help VERB` or `antiphon VERB --help` tells more; `antiphon --version`\n"
                 "prints the version.\n"
                 "Exit codes: 0; 1 a failure; 2 misuse; 130 interrupted.\n");
}

/* Paragraphs end with an empty line; other line ends are those of the source. */
static void print_paragraphs(FILE *out, const char *text)
{
    char *joined = ap_copy_text(text);
    for (char *c = joined; *c; c++) {
        if (c[0] != '\n') continue;
        if (c[1] == '\n')
            c++;
        else
            *c = ' ';
    }
    ap_text_put_wrapped(out, 0, joined);
    fputs("\n\n", out);
    free(joined);
}

/* The column at which the text of a row begins. */
#define ROW_COLUMN 20

static void print_row(void *context, const char *name, const char *text)
{
    FILE *out = context;
    char *line =
        name ? ap_format_text("  %-*s%s\n", ROW_COLUMN - 2, name, text) : ap_format_text("\n%s\n", text);
    ap_text_put_wrapped(out, name ? ROW_COLUMN : 0, line);
    free(line);
}

static void print_help(const verb *v, FILE *out)
{
    fprintf(out, "antiphon %s: %s\n\n", v->name, v->summary);
    char *usage = ap_format_text("Usage: antiphon %s %s\n\n", v->name, v->arguments);
    ap_text_put_wrapped(out, strlen("Usage: "), usage);
    free(usage);
    if (v->details) print_paragraphs(out, v->details);
    fprintf(out, "Options:\n");
    options_print(v->options, out);
    if (v->rows) v->rows(print_row, out);
}

static const verb *find(const char *name, ap_status *status)
{
    const char *names[VERB_COUNT];
    size_t count = 0;
    for (; verbs[count]; count++) {
        if (strcmp(verbs[count]->name, name) == 0) return verbs[count];
        names[count] = verbs[count]->name;
    }
    const char *nearest = ap_suggest(name, names, count);
    *status = nearest ? ap_error(AP_MISUSE, "unknown verb \"%s\"; did you mean \"%s\"?", name, nearest)
                      : ap_error(AP_MISUSE, "unknown verb \"%s\"; antiphon --help lists all verbs", name);
    return NULL;
}

static ap_status check_arguments(const verb *v, const parsed_options *options)
{
    if (options->argument_count > v->most_arguments)
        return ap_error(AP_MISUSE, "unexpected argument %s; usage: antiphon %s %s",
                        options->arguments[v->most_arguments], v->name, v->arguments);
    ap_status missing = options_complete(options);
    if (ap_failed(&missing))
        return ap_error(missing.code, "%s; usage: antiphon %s %s", missing.message, v->name, v->arguments);
    if (options->argument_count < v->least_arguments)
        return ap_error(AP_MISUSE, "too few arguments; usage: antiphon %s %s", v->name, v->arguments);
    return ap_ok();
}

static ap_status run(const verb *v, int count, char *const *words)
{
    parsed_options options;
    AP_TRY(options_parse(v->options, count, words, &options));
    ap_status status = ap_ok();
    if (options.help)
        print_help(v, stdout);
    else if (status = check_arguments(v, &options), !ap_failed(&status))
        status = v->run(&options);
    options_free(&options);
    return status;
}

/* Handles a first word that is not a verb: --version, --help, help. True if it was one of these. */
static bool run_general(int count, char *const *words, ap_status *status)
{
    const char *first = words[0];
    bool help = strcmp(first, "help") == 0;
    if (strcmp(first, "--version") == 0) {
        printf("antiphon %s\nkernel %s\n", AP_VERSION, ap_kernel_name());
    } else if (help && count > 1 && strcmp(words[1], "--man") == 0) {
        manual_print(stdout);
    } else if (help && count > 1 && strcmp(words[1], "--bash") == 0) {
        completion_print(stdout);
    } else if (help && count > 1) {
        const verb *v = find(words[1], status);
        if (v) print_help(v, stdout);
    } else if (help || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        print_overview(stdout);
    } else {
        return false;
    }
    return true;
}

/* Whether writing to the standard output fails because its reader has gone, as in `| head`. */
static bool reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

/* Flushes the output. If the reader has gone, nothing is reported, not even an interruption by SIGPIPE. If
 * SIGPIPE is ignored, nothing was interrupted. */
static ap_status end_output(ap_status status)
{
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (signals_reader_gone() && (!ap_failed(&status) || status.code == AP_INTERRUPTED))
        return (ap_status){.code = AP_INTERRUPTED};
    if (lost && !ap_failed(&status) && !reader_gone())
        return ap_error(AP_FAILED, "cannot write to the standard output");
    return status;
}

int verbs_main(int count, char *const *words)
{
    ap_status status = ap_ok();
    const verb *v = NULL;
    if (count == 0) {
        print_overview(stderr);
        return exit_code(AP_MISUSE);
    }
    if (ap_kernel_fault()) {
        status = ap_error(AP_MISUSE, "%s", ap_kernel_fault());
    } else if (!run_general(count, words, &status)) {
        v = find(words[0], &status);
        const char *fault = v ? ap_blas_fault() : NULL;
        if (fault) fprintf(stderr, "antiphon: warning: %s\n", fault);
        if (v) status = run(v, count - 1, words + 1);
    }
    status = end_output(status);
    progress_end();
    if (status.message[0])
        fprintf(stderr, "antiphon%s%s: %s\n", v ? " " : "", v ? v->name : "", status.message);
    return exit_code(status.code);
}
