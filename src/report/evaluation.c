/* The evaluation of a report: the tables of evaluation.json. */
#include "report/report.h"

#include "antiphon/evaluate.h"
#include "base/file.h"
#include "base/memory.h"
#include "evaluate/summary.h"

#include <math.h>
#include <stdlib.h>

#define EVALUATION_NAME "evaluation.json"

void ap_report_summary(page *p, ap_summary summary)
{
    double half = (summary.high - summary.low) / 2;
    if (!isfinite(summary.mean))
        ap_page_put(p, "–");
    else if (!isfinite(half) || summary.count == 1) /* one value has no interval */
        ap_page_put(p, "%.2f", summary.mean);
    else
        ap_page_put(p, "%.2f <span>±%.2f</span>", summary.mean, half);
}

static void put_row(page *p, const cJSON *system, bool ours, const ap_metric *columns)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(system, "name");
    const cJSON *summaries = cJSON_GetObjectItemCaseSensitive(system, "summary");
    ap_page_put(p, "<tr%s><th scope=\"row\">", ours ? " class=\"ours\"" : "");
    ap_page_text(p, cJSON_IsString(name) ? name->valuestring : "?");
    ap_page_put(p, "</th>");
    for (; *columns != AP_METRIC_COUNT; columns++) {
        const char *metric = ap_metric_describe(*columns).name;
        ap_page_put(p, "<td>");
        ap_report_summary(p, ap_json_get_summary(cJSON_GetObjectItemCaseSensitive(summaries, metric)));
        ap_page_put(p, "</td>");
    }
    ap_page_put(p, "</tr>\n");
}

static void put_meanings(page *p, const ap_metric *columns)
{
    ap_page_put(p, "<details><summary>What the columns mean</summary><dl class=\"meanings\">\n");
    for (; *columns != AP_METRIC_COUNT; columns++) {
        ap_metric_text text = ap_metric_describe(*columns);
        ap_page_element(p, "dt", text.name);
        ap_page_put(p, "<dd>");
        ap_page_text(p, text.meaning);
        if (text.unit[0]) {
            ap_page_put(p, " (");
            ap_page_text(p, text.unit);
            ap_page_put(p, ")");
        }
        if (text.good[0]) {
            ap_page_put(p, "; good: ");
            ap_page_text(p, text.good);
        }
        ap_page_put(p, "</dd>\n");
    }
    ap_page_put(p, "</dl></details>\n");
}

static void put_table(page *p, const cJSON *systems, const ap_metric_group *group, bool first)
{
    ap_page_put(p, "<details%s><summary>", first ? " open=\"open\"" : "");
    ap_page_text(p, group->question);
    ap_page_put(p, "</summary>\n");
    /* scrolling areas must be reachable by keyboard */
    ap_page_put(p, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    ap_page_text(p, group->question);
    ap_page_put(p, "\"><table><thead><tr><th scope=\"col\">system</th>");
    for (const ap_metric *column = group->columns; *column != AP_METRIC_COUNT; column++) {
        ap_metric_text text = ap_metric_describe(*column);
        ap_page_put(p, "<th scope=\"col\" title=\"");
        ap_page_text(p, text.meaning);
        ap_page_put(p, "\">");
        ap_page_text(p, text.name);
        ap_page_put(p, "</th>");
    }
    ap_page_put(p, "</tr></thead><tbody>\n");
    const cJSON *system = NULL;
    bool ours = true; /* the first system is the model's; baselines follow */
    cJSON_ArrayForEach(system, systems)
    {
        put_row(p, system, ours, group->columns);
        ours = false;
    }
    ap_page_put(p, "</tbody></table></div>\n");
    put_meanings(p, group->columns);
    ap_page_put(p, "</details>\n");
}

static void put_evaluation(page *p, const char *path, const cJSON *json)
{
    const cJSON *systems = cJSON_GetObjectItemCaseSensitive(json, "systems");
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(json, "items");
    const ap_metric_group *groups;
    if (!cJSON_IsArray(systems) || cJSON_GetArraySize(systems) == 0) {
        ap_status status = ap_error(AP_FAILED, "%s: holds no \"systems\"", path);
        ap_report_missing(p, &status);
        return;
    }
    ap_page_put(
        p,
        "<p>Means over %d pieces, and half the width of the 95 %% interval (bootstrap). Below the model are "
        "compositions that need no learning: if one of them does well on a measure, that measure alone is "
        "not "
        "enough.</p>\n",
        cJSON_GetArraySize(items));
    size_t count = ap_metric_groups(&groups);
    for (size_t g = 0; g < count; g++) put_table(p, systems, &groups[g], g == 0);
}

static void put_hint(page *p, const run_record *run)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(run->config, "data");
    const cJSON *pairs = cJSON_GetObjectItemCaseSensitive(data, "path");
    ap_page_put(p, "<p class=\"missing\">Not measured yet. The table is made by<br/><code>antiphon evaluate "
                   "--checkpoint ");
    ap_page_text(p, run->folder);
    ap_page_put(p, "/checkpoints/best.safetensors --pairs ");
    ap_page_text(p, cJSON_IsString(pairs) ? pairs->valuestring : "DIR");
    ap_page_put(p, " --json ");
    ap_page_text(p, run->folder);
    ap_page_put(p, "/" EVALUATION_NAME "</code></p>\n");
}

void ap_report_evaluation(page *p, const run_record *run)
{
    char *path = ap_format_text("%s/" EVALUATION_NAME, run->folder);
    ap_page_put(p, "<section id=\"evaluation\"><h2>Evaluation</h2>\n");
    bool there;
    cJSON *json = NULL;
    ap_status status = ap_file_is_there(path, &there);
    if (there) status = ap_json_read(path, &json);
    if (ap_failed(&status))
        ap_report_missing(p, &status);
    else if (!there)
        put_hint(p, run);
    else
        put_evaluation(p, path, json);
    cJSON_Delete(json);
    ap_page_put(p, "</section>\n");
    free(path);
}
