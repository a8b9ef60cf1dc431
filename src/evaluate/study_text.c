#include "antiphon/study.h"
#include "base/print.h"
#include "base/text.h"
#include "evaluate/summary.h"
#include "evaluate/table.h"

#include <math.h>
#include <string.h>

static const ap_study_group groups[] = {
    {"Does it copy?",
     {AP_STUDY_R_INPUT, AP_STUDY_R_TARGET, AP_STUDY_RMAX_INPUT, AP_STUDY_RMAX_TARGET, AP_STUDY_MIX_SHARE,
      AP_STUDY_OTHERS, AP_STUDY_MEASURES}},
    {"Does it take its timing from the input, harmony and timbre from the target?",
     {AP_STUDY_ONSET_GAIN, AP_STUDY_CHROMA_GAIN, AP_STUDY_CHROMA_INPUT, AP_STUDY_TIMBRE_RATIO,
      AP_STUDY_MEASURES}},
    {"Is it music, and clean? All together:",
     {AP_STUDY_LOUDNESS, AP_STUDY_VARIATION, AP_STUDY_CREST, AP_STUDY_FIZZ, AP_STUDY_CLICKS, AP_STUDY_FLUTTER,
      AP_STUDY_RINGING, AP_STUDY_MEASURES}},
};
enum { GROUPS = sizeof groups / sizeof *groups };

size_t ap_study_groups(const ap_study_group **first)
{
    *first = groups;
    return GROUPS;
}

/* ---------------------------------------------------------------- aligned text */

/* " ✓" after a cell. */
#define MARK_WIDTH 2

static int column_width(ap_study_measure m)
{
    return ap_table_width(ap_study_describe(m).name);
}

static const char *mark_of(ap_study_measure m, const ap_study_cell *cell)
{
    if (ap_study_describe(m).side == AP_SIDE_NONE) return "  ";
    return cell->held ? " ✓" : " ✗";
}

static int names_width(const ap_study *study)
{
    int width = 0;
    for (int r = 0; r < study->row_count; r++) {
        int length = (int)strlen(study->rows[r].name);
        if (length > width) width = length;
    }
    return width;
}

/* Some columns of a group, side by side; those that do not fit a terminal stand below them. */
typedef struct columns {
    const ap_study_measure *at;
    int count;
    bool last; /* of the group */
} columns;

/* As many from `at` on as fit, beside the names, and beside `more` if the last is among them; at least one.
 */
static columns columns_from(const ap_study_measure *at, int names, int more)
{
    columns c = {.at = at};
    int width = names;
    while (at[c.count] != AP_STUDY_MEASURES) {
        bool last = at[c.count + 1] == AP_STUDY_MEASURES;
        width += column_width(at[c.count]) + MARK_WIDTH;
        if (c.count && width + (last ? more : 0) > AP_LINE_WIDTH) return c;
        c.count++;
    }
    c.last = true;
    return c;
}

static void print_head(const ap_study *study, columns c, bool all, int names, FILE *stream)
{
    fprintf(stream, "%*s", names, "");
    for (int k = 0; k < c.count; k++)
        fprintf(stream, "%*s%*s", column_width(c.at[k]), ap_study_describe(c.at[k]).name, MARK_WIDTH, "");
    fprintf(stream, "%s\n%*s", all ? "     all" : "", names, "");
    for (int k = 0; k < c.count; k++) {
        ap_side side = ap_study_describe(c.at[k]).side;
        if (side == AP_SIDE_NONE)
            fprintf(stream, "%*s", column_width(c.at[k]) + MARK_WIDTH, "");
        else
            fprintf(stream, "%*s %5.2f%*s", column_width(c.at[k]) - 6,
                    side == AP_SIDE_MOST ? "most" : "least", study->bounds[c.at[k]], MARK_WIDTH, "");
    }
    fprintf(stream, "\n");
}

/* The width of "   12/14 ✓". */
#define ALL_WIDTH 10

static void print_columns(const ap_study *study, columns c, bool all, int names, FILE *stream)
{
    print_head(study, c, all, names, stream);
    for (int r = 0; r < study->row_count; r++) {
        const ap_study_row *row = &study->rows[r];
        if (r && row->baseline && !row[-1].baseline) fprintf(stream, "\n");
        fprintf(stream, "%-*s", names, row->name);
        for (int k = 0; k < c.count; k++) {
            ap_table_summary(stream, column_width(c.at[k]), row->cells[c.at[k]].summary);
            fprintf(stream, "%s", mark_of(c.at[k], &row->cells[c.at[k]]));
        }
        if (all) fprintf(stream, "%5d/%d %s", row->held, study->criteria, row->all ? "✓" : "✗");
        fprintf(stream, "\n");
    }
}

static void print_group(const ap_study *study, const ap_study_group *group, bool last, FILE *stream)
{
    int names = names_width(study);
    const ap_study_measure *at = group->columns;
    fprintf(stream, "\n%s\n", group->question);
    for (columns c = {.last = false}; !c.last; at += c.count) {
        if (at != group->columns) fprintf(stream, "\n");
        c = columns_from(at, names, last ? ALL_WIDTH : 0);
        print_columns(study, c, last && c.last, names, stream);
    }
}

#define SEEDS_WIDTH 8

/* "0.12..0.34": the seeds' own means. */
static void print_ranges(const ap_study *study, const ap_study_group *group, FILE *stream)
{
    int names = names_width(study);
    const ap_study_measure *at = group->columns;
    for (columns c = {.last = false}; !c.last; at += c.count) {
        c = columns_from(at, names, SEEDS_WIDTH);
        fprintf(stream, "\n%*s", names, "");
        for (int k = 0; k < c.count; k++)
            fprintf(stream, "%*s", column_width(c.at[k]) + MARK_WIDTH, ap_study_describe(c.at[k]).name);
        fprintf(stream, "%s\n", c.last ? "   seeds" : "");
        for (int r = 0; r < study->row_count && !study->rows[r].baseline; r++) {
            fprintf(stream, "%-*s", names, study->rows[r].name);
            for (int k = 0; k < c.count; k++) {
                const ap_study_cell *cell = &study->rows[r].cells[c.at[k]];
                fprintf(stream, "%*.2f..%5.2f", column_width(c.at[k]) + MARK_WIDTH - 7, cell->least,
                        cell->most);
            }
            if (c.last) fprintf(stream, "%*d", SEEDS_WIDTH, study->rows[r].seeds);
            fprintf(stream, "\n");
        }
    }
}

static void print_warnings(const ap_study *study, FILE *stream)
{
    for (int r = 0; r < study->row_count; r++)
        if (study->rows[r].baseline && study->rows[r].all)
            fprintf(stream, "\nThe baseline \"%s\" meets all criteria: they do not tell composing from it.\n",
                    study->rows[r].name);
}

void ap_study_print(const ap_study *study, FILE *stream)
{
    long long items = study->items;
    fprintf(stream,
            "%lld item%s; mean over items and seeds ± half the width of its %.0f %%\n"
            "interval (bootstrap over items of the seeds' means, %d resamples).\n"
            "✓: the mean is within the bound\n",
            items, ap_plural(items), 100 * AP_BOOTSTRAP_LEVEL, AP_BOOTSTRAP_RESAMPLES);
    for (size_t g = 0; g < GROUPS; g++) print_group(study, &groups[g], g + 1 == GROUPS, stream);
    fprintf(stream, "\nThe lowest and the highest mean of one seed\n");
    for (size_t g = 0; g < GROUPS; g++) print_ranges(study, &groups[g], stream);
    print_warnings(study, stream);
}

/* ---------------------------------------------------------------- JSON */

static void add_criterion(cJSON *array, const ap_study *study, ap_study_measure m)
{
    static const char *const sides[] = {
        [AP_SIDE_NONE] = "none", [AP_SIDE_MOST] = "at most", [AP_SIDE_LEAST] = "at least"};
    ap_study_text text = ap_study_describe(m);
    cJSON *at = ap_json_append(array, cJSON_CreateObject());
    ap_json_add_text(at, "name", text.name);
    ap_json_add_text(at, "meaning", text.meaning);
    ap_json_add_text(at, "side", sides[text.side]);
    ap_json_add_number(at, "bound", study->bounds[m]);
    ap_json_add_text(at, "from", text.bound);
}

static void add_row(cJSON *array, const ap_study_row *row)
{
    cJSON *at = ap_json_append(array, cJSON_CreateObject());
    ap_json_add_text(at, "name", row->name);
    ap_json_add_text(at, "settings", row->settings);
    ap_json_add(at, "baseline", cJSON_CreateBool(row->baseline));
    ap_json_add_number(at, "seeds", row->seeds);
    ap_json_add_number(at, "held", row->held);
    ap_json_add(at, "all", cJSON_CreateBool(row->all));
    cJSON *cells = ap_json_add(at, "cells", cJSON_CreateObject());
    for (ap_study_measure m = 0; m < AP_STUDY_MEASURES; m++) {
        const ap_study_cell *cell = &row->cells[m];
        ap_study_text text = ap_study_describe(m);
        cJSON *object = ap_json_add(cells, text.name, cJSON_CreateObject());
        ap_json_add_summary(object, cell->summary);
        ap_json_add_number(object, "least", cell->least);
        ap_json_add_number(object, "most", cell->most);
        ap_json_add(object, "held",
                    text.side == AP_SIDE_NONE ? cJSON_CreateNull() : cJSON_CreateBool(cell->held));
    }
}

ap_status ap_study_write(const ap_study *study, const char *path)
{
    cJSON *json = ap_json_made(cJSON_CreateObject());
    ap_json_add_number(json, "items", (double)study->items);
    ap_json_add_bootstrap(json);
    cJSON *criteria = ap_json_add(json, "criteria", cJSON_CreateArray());
    for (ap_study_measure m = 0; m < AP_STUDY_MEASURES; m++) add_criterion(criteria, study, m);
    cJSON *rows = ap_json_add(json, "rows", cJSON_CreateArray());
    for (int r = 0; r < study->row_count; r++) add_row(rows, &study->rows[r]);
    return ap_json_write(path, json);
}
