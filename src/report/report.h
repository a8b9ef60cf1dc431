/* The parts of a run's report, one file each. */
#ifndef ANTIPHON_REPORT_REPORT_H
#define ANTIPHON_REPORT_REPORT_H

#include "antiphon/evaluate.h"
#include "antiphon/report.h"
#include "report/page.h"
#include "track/history.h"

#include <cjson/cJSON.h>

/* Digits of the numbers in the text. */
#define REPORT_DIGITS 4

/* The data of a run. */
typedef struct run_record {
    const char *folder;
    history history;    /* empty if there is no log */
    ap_status log;      /* the reason for that */
    cJSON *config;      /* NULL without */
    char *config_text;  /* NULL without */
    ap_status reading;  /* the reason for that */
    const series *loss; /* validation loss; NULL: none */
    long best;          /* its lowest point; -1 */
} run_record;

/* A line that says what is missing and why. */
void ap_report_missing(page *p, const ap_status *status);

/* The position of a step on the horizontal axis, in epochs (in steps while none is completed); and the name
 * of that unit. */
double ap_report_place(const run_record *run, double step);
const char *ap_report_place_name(const run_record *run);

/* A number of a section of the configuration; NaN when there is none. */
double ap_report_setting(const run_record *run, const char *section, const char *key);

void ap_report_curves(page *p, const run_record *run);
void ap_report_samples(page *p, const run_record *run, int64_t most);
void ap_report_evaluation(page *p, const run_record *run);

/* A mean and half the width of its interval, for a cell. */
void ap_report_summary(page *p, ap_summary summary);

/* Writes the body of a study's page. */
ap_status ap_report_study(page *p, const char *folder, const char *name, int64_t samples_most);

/* Whether an envelope that correlates by r with another follows it, in words. 0.4 and 0.63 with one source
 * cost 0.5 and 1. */
const char *ap_report_follows(double r);

/* The style sheet, and what joins the players of a row. The page's policy names the script's SHA-256, in
 * base64. */
extern const char ap_report_style[];
extern const char ap_report_script[];
#define REPORT_SCRIPT_HASH "IWmnlrP47vTSzL+nDryKnzPlW9FoD02G959npP7IbUI="

#endif
