/* The measures of a study, their bounds, and which rows meet them. */
#include "evaluate/study.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Seed of the bootstrap: the same for every row and measure, so that all resample the same items. */
#define BOOTSTRAP_SEED 1
/* Bounds that do not come from a baseline: a plain number, or the limit for unrelated music. */
enum { PLAIN = AP_BASELINE_COUNT, UNRELATED };

/* The bound is `share` itself, or that share of a baseline's mean or of the limit for unrelated music. */
static const struct criterion {
    ap_study_text text;
    double share;
    int of; /* an ap_baseline, or one of the above */
} criteria[AP_STUDY_MEASURES] = {
    [AP_STUDY_R_INPUT] = {{"|r_input|", "correlation of the envelope with the input's", AP_SIDE_MOST, ""},
                          0.2,
                          PLAIN},
    [AP_STUDY_R_TARGET] = {{"|r_target|", "correlation of the envelope with the target's", AP_SIDE_MOST, ""},
                           0.2,
                           PLAIN},
    [AP_STUDY_RMAX_INPUT] = {{"r_max_input", "largest |r| of the levels within half a second of the input's",
                              AP_SIDE_MOST, "what 95 % of unrelated targets stay below"},
                             1,
                             UNRELATED},
    [AP_STUDY_RMAX_TARGET] = {{"r_max_target",
                               "largest |r| of the levels within half a second of the target's", AP_SIDE_MOST,
                               "what 95 % of unrelated targets stay below"},
                              1,
                              UNRELATED},
    [AP_STUDY_MIX_SHARE] = {{"mix_share", "share of the energy that a plain mix of the sources explains",
                             AP_SIDE_MOST, ""},
                            0.35,
                            PLAIN},
    [AP_STUDY_OTHERS] = {{"r_others", "correlation of the levels with those of the arm's other outputs",
                          AP_SIDE_MOST, ""},
                         0.1,
                         PLAIN},
    [AP_STUDY_ONSET_GAIN] = {{"onset_gain", "F-measure of the onsets against the input's, above chance",
                              AP_SIDE_LEAST, "0.8 of the 50/50 mix's"},
                             0.8,
                             AP_BASELINE_MIX},
    [AP_STUDY_CHROMA_GAIN] = {{"chroma_gain", "cosine of the chroma to the target's, above that to others",
                               AP_SIDE_LEAST, "0.9 of the target copy's"},
                              0.9,
                              AP_BASELINE_TARGET},
    [AP_STUDY_TIMBRE_RATIO] = {{"timbre_ratio", "0: the target's timbre, 1: the input's", AP_SIDE_MOST, ""},
                               0.35,
                               PLAIN},
    [AP_STUDY_LOUDNESS] =
        {{"|loudness|", "distance from the target's integrated loudness, LU", AP_SIDE_MOST, ""}, 1.5, PLAIN},
    [AP_STUDY_VARIATION] =
        {{"variation", "of the envelope, against the mean of the sources'", AP_SIDE_LEAST, ""}, 0.6, PLAIN},
    [AP_STUDY_CHROMA_INPUT] = {{"chroma_input", "cosine of the chroma to the input's, above the target's own",
                                AP_SIDE_MOST, ""},
                               0.05,
                               PLAIN},
    [AP_STUDY_CREST] = {{"crest", "how far peak over RMS is beyond the sources', dB", AP_SIDE_MOST, ""},
                        3,
                        PLAIN},
    [AP_STUDY_FIZZ] = {{"fizz", "flicker of narrow bands, against the target's", AP_SIDE_MOST, ""},
                       1.1,
                       PLAIN},
    [AP_STUDY_CLICKS] = {{"clicks", "share of sudden changes at the codec's frame edges", AP_SIDE_NONE, ""},
                         NAN,
                         PLAIN},
    [AP_STUDY_FLUTTER] = {{"flutter", "jumps of bands' levels from frame to frame, dB", AP_SIDE_NONE, ""},
                          NAN,
                          PLAIN},
    [AP_STUDY_RINGING] =
        {{"ringing", "share of the energy in tones that neither source has", AP_SIDE_NONE, ""}, NAN, PLAIN},
};

ap_study_text ap_study_describe(ap_study_measure measure)
{
    return criteria[measure].text;
}

/* ---------------------------------------------------------------- a row */

/* How far x is outside of the interval between a and b. */
static double beyond(double x, double a, double b)
{
    return fmax(fmax(x - fmax(a, b), fmin(a, b) - x), 0);
}

/* The measure of one piece. */
static double value_of(ap_study_measure measure, const double values[AP_METRIC_COUNT])
{
    switch (measure) {
    case AP_STUDY_R_INPUT:
        return fabs(values[AP_METRIC_R0_INPUT]);
    case AP_STUDY_R_TARGET:
        return fabs(values[AP_METRIC_R0_TARGET]);
    case AP_STUDY_RMAX_INPUT:
        return values[AP_METRIC_RMAX_INPUT];
    case AP_STUDY_RMAX_TARGET:
        return values[AP_METRIC_RMAX_TARGET];
    case AP_STUDY_MIX_SHARE:
        return values[AP_METRIC_MIX_SHARE];
    case AP_STUDY_OTHERS:
        return values[AP_METRIC_OTHERS];
    case AP_STUDY_ONSET_GAIN:
        return values[AP_METRIC_ONSET_GAIN];
    case AP_STUDY_CHROMA_GAIN:
        return values[AP_METRIC_CHROMA_GAIN];
    case AP_STUDY_TIMBRE_RATIO:
        return values[AP_METRIC_TIMBRE_RATIO];
    case AP_STUDY_LOUDNESS:
        return fabs(values[AP_METRIC_LOUDNESS]);
    case AP_STUDY_VARIATION:
        return 2 * values[AP_METRIC_VARIATION] /
               (values[AP_METRIC_VARIATION_INPUT] + values[AP_METRIC_VARIATION_TARGET]);
    case AP_STUDY_CHROMA_INPUT:
        return values[AP_METRIC_CHROMA_INPUT] - values[AP_METRIC_CHROMA_SOURCES];
    case AP_STUDY_CREST:
        return beyond(values[AP_METRIC_CREST], values[AP_METRIC_CREST_INPUT], values[AP_METRIC_CREST_TARGET]);
    case AP_STUDY_FIZZ:
        return values[AP_METRIC_FIZZ] / values[AP_METRIC_FIZZ_TARGET];
    case AP_STUDY_CLICKS:
        return values[AP_METRIC_CLICKS];
    case AP_STUDY_FLUTTER:
        return values[AP_METRIC_FLUTTER];
    case AP_STUDY_RINGING:
        return values[AP_METRIC_RINGING];
    case AP_STUDY_MEASURES:
        break;
    }
    ap_fatal("study: there is no measure %d", (int)measure);
}

/* A mean without NaN values; NaN if nothing remains. */
typedef struct tally {
    double sum;
    int64_t count;
} tally;

static void count_in(tally *t, double value)
{
    if (isnan(value)) return;
    t->sum += value;
    t->count++;
}

static double mean_of(tally t)
{
    return t.count ? t.sum / (double)t.count : NAN;
}

void ap_study_measure_row(ap_study_row *row, int64_t items, int seeds, const ap_sheet *sheets)
{
    double *of_item = ap_allocate((size_t)items, sizeof *of_item);
    row->seeds = seeds;
    for (ap_study_measure m = 0; m < AP_STUDY_MEASURES; m++) {
        ap_study_cell *cell = &row->cells[m];
        for (int64_t i = 0; i < items; i++) {
            tally over_seeds = {0, 0};
            for (int s = 0; s < seeds; s++)
                count_in(&over_seeds, value_of(m, sheets[s].values + i * AP_METRIC_COUNT));
            of_item[i] = mean_of(over_seeds);
        }
        *cell = (ap_study_cell){
            .summary = ap_bootstrap(items, of_item, BOOTSTRAP_SEED), .least = NAN, .most = NAN};
        for (int s = 0; s < seeds; s++) {
            tally over_items = {0, 0};
            for (int64_t i = 0; i < items; i++)
                count_in(&over_items, value_of(m, sheets[s].values + i * AP_METRIC_COUNT));
            cell->least = fmin(cell->least, mean_of(over_items)); /* fmin of a number and NaN is the number */
            cell->most = fmax(cell->most, mean_of(over_items));
        }
    }
    free(of_item);
}

/* ---------------------------------------------------------------- the verdict */

static const ap_study_row *find_baseline(const ap_study *study, ap_baseline baseline)
{
    for (int r = 0; r < study->row_count; r++)
        if (study->rows[r].baseline && strcmp(study->rows[r].name, ap_baseline_name(baseline)) == 0)
            return &study->rows[r];
    return NULL;
}

static ap_status take_bounds(ap_study *study, const char *path, ap_unrelated unrelated)
{
    for (ap_study_measure m = 0; m < AP_STUDY_MEASURES; m++) {
        const struct criterion *c = &criteria[m];
        study->bounds[m] = c->share;
        study->criteria += c->text.side != AP_SIDE_NONE;
        if (c->of == UNRELATED)
            study->bounds[m] *= m == AP_STUDY_RMAX_INPUT ? unrelated.r_max_input : unrelated.r_max_target;
        if (c->of >= AP_BASELINE_COUNT) continue;
        const ap_study_row *row = find_baseline(study, c->of);
        if (!row) return ap_error(AP_FAILED, "%s: lacks the baseline \"%s\"", path, ap_baseline_name(c->of));
        study->bounds[m] *= row->cells[m].summary.mean;
    }
    return ap_ok();
}

/* False if a number is NaN. */
static bool holds(ap_side side, double mean, double bound)
{
    return (side == AP_SIDE_MOST && mean <= bound) || (side == AP_SIDE_LEAST && mean >= bound);
}

ap_status ap_study_judge(ap_study *study, const char *path, ap_unrelated unrelated)
{
    AP_TRY(take_bounds(study, path, unrelated));
    for (int r = 0; r < study->row_count; r++) {
        ap_study_row *row = &study->rows[r];
        for (ap_study_measure m = 0; m < AP_STUDY_MEASURES; m++) {
            ap_study_cell *cell = &row->cells[m];
            cell->held = holds(criteria[m].text.side, cell->summary.mean, study->bounds[m]);
            row->held += cell->held;
        }
        row->all = row->held == study->criteria;
    }
    return ap_ok();
}
