/* The page of a study: its table, a chart for each measure, the trade-offs, compositions, the arms. */
#include "report/report.h"

#include "antiphon/study.h"
#include "base/memory.h"
#include "base/text.h"
#include "report/chart_points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- the table */

static const char *side_of(ap_side side)
{
    return side == AP_SIDE_MOST ? "at most" : "at least";
}

static void put_column_head(page *p, const ap_study *study, ap_study_measure m)
{
    ap_study_text text = ap_study_describe(m);
    ap_page_put(p, "<th scope=\"col\" title=\"");
    ap_page_text(p, text.meaning);
    ap_page_put(p, "\">");
    ap_page_text(p, text.name);
    if (text.side != AP_SIDE_NONE)
        ap_page_put(p, "<br/><small>%s %.2f</small>", side_of(text.side), study->bounds[m]);
    ap_page_put(p, "</th>");
}

/* Writes a value, and shows in words, colour and a mark whether it meets its criterion. */
static void put_cell(page *p, const ap_study_cell *cell, ap_side side)
{
    ap_page_put(p, "<td title=\"seeds: %.3f to %.3f\"", cell->least, cell->most);
    if (side == AP_SIDE_NONE)
        ap_page_put(p, ">");
    else
        ap_page_put(p, " class=\"%s\">", cell->held ? "held" : "missed");
    ap_report_summary(p, cell->summary);
    if (side != AP_SIDE_NONE) ap_page_put(p, " <b>%s</b>", cell->held ? "✓" : "✗");
    ap_page_put(p, "</td>");
}

/* `below`: whether this is the first baseline. */
static void put_row(page *p, const ap_study *study, const ap_study_row *row, bool below)
{
    ap_page_put(p, "<tr class=\"%s%s\"><th scope=\"row\">", row->all ? "ours" : "", below ? " below" : "");
    ap_page_text(p, row->name);
    ap_page_put(p, "</th>");
    for (ap_study_measure m = 0; m < AP_STUDY_MEASURES; m++)
        put_cell(p, &row->cells[m], ap_study_describe(m).side);
    ap_page_put(p, "<td class=\"%s\">%d of %d <b>%s</b></td></tr>\n", row->all ? "held" : "missed", row->held,
                study->criteria, row->all ? "✓" : "✗");
}

static void put_table(page *p, const ap_study *study)
{
    ap_page_put(
        p,
        "<section id=\"table\"><h2>Table</h2>\n<p>Means over %lld pieces and all seeds, and half the width "
        "of the 95 %% interval (bootstrap over the pieces’ means). ✓ means that the mean is within the bound "
        "below the column’s name. Below the arms are compositions that need no learning: none of them should "
        "meet all criteria.</p>\n",
        (long long)study->items);
    ap_page_put(p,
                "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table><thead><tr>"
                "<th scope=\"col\">arm</th>");
    for (ap_study_measure m = 0; m < AP_STUDY_MEASURES; m++) put_column_head(p, study, m);
    ap_page_put(p, "<th scope=\"col\">all</th></tr></thead><tbody>\n");
    for (int r = 0; r < study->row_count; r++) {
        const ap_study_row *row = &study->rows[r];
        put_row(p, study, row, row->baseline && r && !row[-1].baseline);
    }
    ap_page_put(
        p,
        "</tbody></table></div>\n<details><summary>What the columns mean</summary><dl class=\"meanings\">\n");
    for (ap_study_measure m = 0; m < AP_STUDY_MEASURES; m++) {
        ap_study_text text = ap_study_describe(m);
        ap_page_element(p, "dt", text.name);
        char *meaning = text.side == AP_SIDE_NONE
                            ? ap_copy_text(text.meaning)
                            : ap_format_text("%s; %s %.3g%s%s", text.meaning, side_of(text.side),
                                             study->bounds[m], text.bound[0] ? ": " : "", text.bound);
        ap_page_element(p, "dd", meaning);
        free(meaning);
    }
    ap_page_put(p, "</dl></details></section>\n");
}

/* ---------------------------------------------------------------- charts */

static chart_value interval(const ap_study_row *row, ap_study_measure m)
{
    ap_summary s = row->cells[m].summary;
    return (chart_value){s.mean, s.low, s.high};
}

static void draw_measure(page *p, const ap_study *study, ap_study_measure m, chart_point *points)
{
    ap_study_text text = ap_study_describe(m);
    chart_points c = {.title = text.name,
                      .note = text.meaning,
                      .x_name = text.side == AP_SIDE_NONE ? "" : side_of(text.side),
                      .x_mark = study->bounds[m],
                      .y_mark = NAN,
                      .points = points};
    for (int r = 0; r < study->row_count && !study->rows[r].baseline; r++) {
        const ap_study_row *row = &study->rows[r];
        bool held = row->cells[m].held || text.side == AP_SIDE_NONE;
        points[c.count++] = (chart_point){
            .label = row->name, .style = held ? "held" : "missed hollow", .x = interval(row, m)};
    }
    ap_chart_rows(p, &c);
}

static void put_measures(page *p, const ap_study *study, chart_point *points)
{
    ap_page_put(
        p,
        "<section id=\"criteria\"><h2>Criteria</h2>\n<p>Each arm with its interval; the broken line is the "
        "bound. A full dot meets it, a ring does not.</p>\n<div class=\"charts\">\n");
    for (ap_study_measure m = 0; m < AP_STUDY_MEASURES; m++) draw_measure(p, study, m, points);
    ap_page_put(p, "</div></section>\n");
}

/* Whether the row is a baseline that shows the result of copying, mixing or chance. */
static bool is_landmark(const ap_study_row *row)
{
    static const ap_baseline landmarks[] = {AP_BASELINE_MIX, AP_BASELINE_TARGET, AP_BASELINE_OTHER};
    for (size_t k = 0; k < sizeof landmarks / sizeof *landmarks; k++)
        if (strcmp(row->name, ap_baseline_name(landmarks[k])) == 0) return true;
    return false;
}

static void draw_trade(page *p, const ap_study *study, ap_study_measure y, chart_point *points)
{
    const ap_study_measure x = AP_STUDY_MIX_SHARE;
    const char *name = ap_study_describe(y).name;
    char *title = ap_format_text("%s by %s", name, ap_study_describe(x).name);
    chart_points c = {.title = title,
                      .x_name = ap_study_describe(x).name,
                      .y_name = name,
                      .x_mark = study->bounds[x],
                      .y_mark = study->bounds[y],
                      .points = points};
    for (int r = 0; r < study->row_count; r++) {
        const ap_study_row *row = &study->rows[r];
        if (row->baseline && !is_landmark(row)) continue;
        bool held = row->cells[x].held && row->cells[y].held;
        points[c.count++] = (chart_point){.label = row->name,
                                          .style = row->baseline ? "train"
                                                   : held        ? "held"
                                                                 : "missed hollow",
                                          .x = interval(row, x),
                                          .y = interval(row, y)};
    }
    ap_chart_scatter(p, &c);
    free(title);
}

static void put_trades(page *p, const ap_study *study, chart_point *points)
{
    static const ap_study_measure against[] = {AP_STUDY_ONSET_GAIN, AP_STUDY_CHROMA_GAIN, AP_STUDY_LOUDNESS};
    ap_page_put(
        p, "<section id=\"trade\"><h2>Trade-offs</h2>\n<p>A mix of the sources keeps onsets, harmony and "
           "level, but "
           "a mix explains all of it. A real composition is left of the vertical line and on the right side "
           "of the "
           "horizontal one: above it for onsets and harmony, below it for loudness. Grey: baselines.</p>\n"
           "<div class=\"charts large\">\n");
    for (size_t k = 0; k < sizeof against / sizeof *against; k++) draw_trade(p, study, against[k], points);
    ap_page_put(p, "</div></section>\n");
}

/* ---------------------------------------------------------------- the arms */

static void put_arms(page *p, const ap_study *study)
{
    ap_page_put(p, "<section id=\"arms\"><h2>Arms</h2>\n<dl class=\"meanings\">\n");
    for (int r = 0; r < study->row_count && !study->rows[r].baseline; r++) {
        const ap_study_row *row = &study->rows[r];
        char *seeds =
            ap_format_text("%s (%d seed%s)", row->settings[0] ? row->settings : "the unchanged recipe",
                           row->seeds, ap_plural(row->seeds));
        ap_page_element(p, "dt", row->name);
        ap_page_element(p, "dd", seeds);
        free(seeds);
    }
    ap_page_put(p, "</dl></section>\n");
}

ap_status ap_report_study(page *p, const char *folder, const char *name, int64_t samples_most)
{
    ap_study study;
    AP_TRY(ap_study_read(folder, &study));
    chart_point *points = ap_allocate((size_t)study.row_count, sizeof *points);
    ap_page_put(p, "<header><h1>");
    ap_page_text(p, name);
    ap_page_put(
        p,
        "</h1><p class=\"soft\">A study by Antiphon. This page was written by antiphon %s.</p>\n"
        "<nav aria-label=\"Sections\"><a href=\"#table\">Table</a> <a href=\"#criteria\">Criteria</a> "
        "<a href=\"#trade\">Trade-offs</a> <a href=\"#samples\">Compositions</a> <a "
        "href=\"#arms\">Arms</a></nav>\n"
        "</header>\n<main>\n",
        AP_VERSION);
    put_table(p, &study);
    put_measures(p, &study, points);
    put_trades(p, &study, points);
    ap_report_samples(p, &(run_record){.folder = folder}, samples_most);
    put_arms(p, &study);
    free(points);
    ap_study_free(&study);
    return ap_ok();
}
