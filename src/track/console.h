/* Shows a training run on the terminal: a progress line and, after each epoch, a summary and the envelopes
 * of one validation pair. If the output is not a terminal, it prints plain lines, at most one in a few
 * seconds. */
#ifndef ANTIPHON_TRACK_CONSOLE_H
#define ANTIPHON_TRACK_CONSOLE_H

#include "antiphon/trainer.h"

#include <stdio.h>

typedef struct ap_console {
    FILE *out;
    bool terminal;    /**< whether the progress line may be overwritten */
    bool open;        /**< whether a progress line stands there, without its end */
    double last_line; /**< when the last progress line was printed, on the monotonic clock */
} ap_console;

/** Prints to `out`, which stays the caller's. */
ap_console ap_console_init(FILE *out);

/** A line of text in the place of the progress line; longer than AP_LINE_WIDTH columns it goes on below. */
void ap_console_note(ap_console *console, const char *line);

/** A line of progress that fits AP_LINE_WIDTH columns, or the terminal where that is narrower: what matters
 * least is left out. */
void ap_console_step(ap_console *console, const ap_step_report *report);
void ap_console_epoch(ap_console *console, const ap_epoch_report *report);

/** Ends the progress line, if one stands there, before anything else is printed. */
void ap_console_end(ap_console *console);

#define AP_ENVELOPE_COLUMNS 50
#define AP_ENVELOPE_TEXT (3 * AP_ENVELOPE_COLUMNS + 1)

/** Draws the envelope of x [S] in UTF-8 as a row of AP_ENVELOPE_COLUMNS block characters (S if that is less),
 * the loudest at full height; "?" for samples that are not finite. */
void ap_envelope_draw(int64_t S, const ap_real *x, char text[AP_ENVELOPE_TEXT]);

#endif
