#include "antiphon/console.h"

#include "antiphon/modulation.h"
#include "core/clock.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Seconds between progress lines: where they overwrite each other, and where they do not. */
#define TERMINAL_PAUSE 0.1
#define PLAIN_PAUSE 10.0

ap_console ap_console_init(FILE *out)
{
    return (ap_console){.out = out, .terminal = isatty(fileno(out)) == 1, .last_line = -INFINITY};
}

static const char *line_start(const ap_console *console)
{
    return console->terminal ? "\r\033[K" : "";
}

void ap_console_note(ap_console *console, const char *line)
{
    fprintf(console->out, "%s%s\n", line_start(console), line);
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

void ap_console_step(ap_console *console, const ap_step_report *r)
{
    char left[32];
    double time = ap_clock_seconds(), pause = console->terminal ? TERMINAL_PAUSE : PLAIN_PAUSE;
    if (time - console->last_line < pause) return;
    console->last_line = time;
    print_duration(left, sizeof left, r->seconds_left);
    fprintf(console->out,
            "%sepoch %" PRId64 "/%" PRId64 "  %" PRId64 "/%" PRId64
            "  loss %.4f  corr cost %.3f  %.2f pairs/s  %s left%s",
            line_start(console), r->epoch, r->epochs, r->batch, r->batches,
            r->measures.value[AP_MEASURE_LOSS], r->measures.value[AP_MEASURE_CORR_COST], r->pairs_per_second,
            left, console->terminal ? "" : "\n");
    fflush(console->out);
}

void ap_envelope_draw(int64_t S, const ap_real *x, char text[AP_ENVELOPE_TEXT])
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const int heights = sizeof blocks / sizeof *blocks;
    ap_real e[AP_ENVELOPE_COLUMNS], most = 0;
    ap_envelope(1, S, AP_ENVELOPE_COLUMNS, x, e, NULL);
    for (int m = 0; m < AP_ENVELOPE_COLUMNS; m++) most = e[m] > most ? e[m] : most;
    *text = '\0';
    for (int m = 0; m < AP_ENVELOPE_COLUMNS; m++) {
        int height = most > 0 ? (int)(e[m] / most * (ap_real)heights) : 0;
        strcat(text, blocks[height < heights ? height : heights - 1]);
    }
}

static void print_envelope(ap_console *console, const char *name, int64_t S, const ap_real *x)
{
    char text[AP_ENVELOPE_TEXT];
    ap_envelope_draw(S, x, text);
    fprintf(console->out, "  %-8s%s\n", name, text);
}

void ap_console_epoch(ap_console *console, const ap_epoch_report *r)
{
    const double *train = r->train.value, *val = r->validation.value;
    ap_real r_input, r_target;
    ap_real cost = ap_modulation_cost_arrays(1, r->S, AP_MODULATION_SEGMENTS, AP_BARRIER_SEED, r->input,
                                             r->target, r->output, &r_input, &r_target, NULL);
    fprintf(console->out,
            "%sepoch %" PRId64
            "  %.1f s  train loss %.4f corr cost %.3f  val loss %.4f corr cost %.3f |r| %.2f %.2f%s\n",
            line_start(console), r->epoch, r->seconds, train[AP_MEASURE_LOSS], train[AP_MEASURE_CORR_COST],
            val[AP_MEASURE_LOSS], val[AP_MEASURE_CORR_COST], val[AP_MEASURE_R_INPUT],
            val[AP_MEASURE_R_TARGET], r->best ? "  best" : "");
    print_envelope(console, "Input:", r->S, r->input);
    print_envelope(console, "Target:", r->S, r->target);
    print_envelope(console, "Output:", r->S, r->output);
    fprintf(console->out, "  r_input %+.3f  r_target %+.3f  cost %.3f\n", (double)r_input, (double)r_target,
            (double)cost);
    fflush(console->out);
}
