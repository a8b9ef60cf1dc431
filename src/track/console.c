#include "track/console.h"

#include "antiphon/modulation.h"
#include "base/clock.h"
#include "base/print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Seconds between progress lines, on a terminal and elsewhere. */
#define TERMINAL_PAUSE 0.1
#define PLAIN_PAUSE 10.0

ap_console ap_console_init(FILE *out)
{
    return (ap_console){.out = out, .terminal = isatty(fileno(out)) == 1, .last_line = -INFINITY};
}

/* For printing: NaN without a sign, which would show as "-nan". */
static double shown(double x)
{
    return isnan(x) ? (double)NAN : x;
}

static const char *line_start(ap_console *console)
{
    console->open = false;
    return console->terminal ? "\r\033[K" : "";
}

void ap_console_note(ap_console *console, const char *line)
{
    fputs(line_start(console), console->out);
    ap_text_print_wrapped(console->out, "%s\n", line);
    fflush(console->out);
}

/* "12 s", "3:07", "1:02:03" */
static void print_duration(char *text, size_t size, double seconds)
{
    int64_t s = llround(fmin(seconds, 1e9));
    if (s < 60)
        snprintf(text, size, "%" PRId64 " s", s);
    else if (s < 3600)
        snprintf(text, size, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    else
        snprintf(text, size, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
}

/* What a progress line says, in its order. */
enum { EPOCH, LOSS, CORR_COST, PACE, LEFT, PARTS };
#define PART_TEXT 64

/* Leaves out of a line that does not fit what matters least, and cuts short what is left of one for which
 * that is not enough. */
static void fit(char parts[PARTS][PART_TEXT], int room)
{
    static const int dispensable[] = {PACE, CORR_COST, LEFT, LOSS};
    int length = 0;
    for (int k = 0; k < PARTS; k++) length += (int)strlen(parts[k]);
    for (size_t k = 0; k < sizeof dispensable / sizeof *dispensable && length > room; k++) {
        length -= (int)strlen(parts[dispensable[k]]);
        parts[dispensable[k]][0] = '\0';
    }
    if (length > room) parts[EPOCH][room > 0 ? room : 0] = '\0';
}

static void print_progress(ap_console *console, const ap_step_report *r)
{
    char parts[PARTS][PART_TEXT] = {{0}}, left[32];
    print_duration(left, sizeof left, r->seconds_left);
    snprintf(parts[EPOCH], PART_TEXT, "epoch %" PRId64 "/%" PRId64 "  %" PRId64 "/%" PRId64, r->epoch,
             r->epochs, r->batch, r->batches);
    snprintf(parts[LOSS], PART_TEXT, "  loss %.4f", shown(r->measures.value[AP_MEASURE_LOSS]));
    if (r->measures.present[AP_MEASURE_CORR_COST])
        snprintf(parts[CORR_COST], PART_TEXT, "  corr cost %.3f",
                 shown(r->measures.value[AP_MEASURE_CORR_COST]));
    snprintf(parts[PACE], PART_TEXT, "  %.2f pairs/s", r->pairs_per_second);
    snprintf(parts[LEFT], PART_TEXT, "  %s left", left);
    int columns = ap_terminal_columns(console->out);
    /* in the last column of a terminal the cursor would go to the next line */
    fit(parts, (columns < AP_LINE_WIDTH ? columns : AP_LINE_WIDTH) - 1);
    fputs(line_start(console), console->out);
    for (int k = 0; k < PARTS; k++) fputs(parts[k], console->out);
    if (!console->terminal) fputc('\n', console->out);
    console->open = console->terminal;
}

void ap_console_step(ap_console *console, const ap_step_report *r)
{
    double time = ap_clock_seconds(), pause = console->terminal ? TERMINAL_PAUSE : PLAIN_PAUSE;
    if (time - console->last_line < pause) return;
    console->last_line = time;
    print_progress(console, r);
    fflush(console->out);
}

void ap_console_end(ap_console *console)
{
    if (!console->open) return;
    fputc('\n', console->out);
    fflush(console->out);
    console->open = false;
}

void ap_envelope_draw(int64_t S, const ap_real *x, char text[AP_ENVELOPE_TEXT])
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const int heights = sizeof blocks / sizeof *blocks;
    const int columns = S < AP_ENVELOPE_COLUMNS ? (int)S : AP_ENVELOPE_COLUMNS;
    ap_real e[AP_ENVELOPE_COLUMNS], most = 0;
    ap_envelope(1, S, columns, x, e, NULL);
    for (int m = 0; m < columns; m++) most = isfinite(e[m]) && e[m] > most ? e[m] : most;
    *text = '\0';
    for (int m = 0; m < columns; m++) {
        int height = most > 0 && isfinite(e[m]) ? (int)(e[m] / most * (ap_real)heights) : 0;
        strcat(text, isfinite(e[m]) ? blocks[height < heights ? height : heights - 1] : "?");
    }
}

static void print_envelope(ap_console *console, const char *name, int64_t S, const ap_real *x)
{
    char text[AP_ENVELOPE_TEXT];
    ap_envelope_draw(S, x, text);
    fprintf(console->out, "  %-8s%s\n", name, text);
}

/* Prints the original cost of all pairs, then of the pair that is shown, both over the same segments. Items
 * with fewer samples than segments have no such cost. */
static void print_cost(ap_console *console, const ap_epoch_report *r)
{
    const double *val = r->validation.value;
    if (!r->validation.present[AP_MEASURE_CORR_COST]) return;
    fprintf(console->out, "  corr cost (%d segments)  train %.3f  val %.3f  |r| %.2f %.2f\n",
            AP_MODULATION_SEGMENTS, shown(r->train.value[AP_MEASURE_CORR_COST]),
            shown(val[AP_MEASURE_CORR_COST]), shown(val[AP_MEASURE_R_INPUT]),
            shown(val[AP_MEASURE_R_TARGET]));
}

static void print_cost_of_shown(ap_console *console, const ap_epoch_report *r)
{
    ap_real r_input, r_target;
    if (r->S < AP_MODULATION_SEGMENTS) return;
    ap_real cost = ap_modulation_cost_arrays(1, r->S, AP_MODULATION_SEGMENTS, AP_BARRIER_ORIGINAL, r->input,
                                             r->target, r->output, &r_input, &r_target, NULL);
    fprintf(console->out, "  r_input %+.3f  r_target %+.3f  cost %.3f\n", shown((double)r_input),
            shown((double)r_target), shown((double)cost));
}

void ap_console_epoch(ap_console *console, const ap_epoch_report *r)
{
    fprintf(console->out, "%sepoch %" PRId64 "  %.1f s  train loss %.4f  val loss %.4f%s\n",
            line_start(console), r->epoch, r->seconds, shown(r->train.value[AP_MEASURE_LOSS]),
            shown(r->validation.value[AP_MEASURE_LOSS]), r->best ? "  best" : "");
    print_cost(console, r);
    print_envelope(console, "Input:", r->S, r->input);
    print_envelope(console, "Target:", r->S, r->target);
    print_envelope(console, "Output:", r->S, r->output);
    print_cost_of_shown(console, r);
    fflush(console->out);
}
