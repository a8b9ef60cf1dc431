#include "antiphon/audio.h"
#include "antiphon/evaluate.h"
#include "core/replace.h"
#include "core/text.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- aligned text */

/* Metrics that answer one question stand in one table. */
static const ap_metric_group groups[] = {
    {"Does it copy?",
     {AP_METRIC_COST, AP_METRIC_R0_INPUT, AP_METRIC_R0_TARGET, AP_METRIC_RMAX_INPUT, AP_METRIC_RMAX_TARGET,
      AP_METRIC_MIX_SHARE, AP_METRIC_COUNT}},
    {"Does it take its timing from the input, harmony and timbre from the target?",
     {AP_METRIC_ONSET_F1, AP_METRIC_ONSET_GAIN, AP_METRIC_CHROMA, AP_METRIC_CHROMA_GAIN,
      AP_METRIC_TIMBRE_TARGET, AP_METRIC_TIMBRE_INPUT, AP_METRIC_TIMBRE_RATIO, AP_METRIC_COUNT}},
    {"Is it music?",
     {AP_METRIC_LOUDNESS, AP_METRIC_ACTIVE, AP_METRIC_VARIATION, AP_METRIC_VARIATION_INPUT,
      AP_METRIC_VARIATION_TARGET, AP_METRIC_FLATNESS, AP_METRIC_SILENT, AP_METRIC_NOISE, AP_METRIC_DRONE,
      AP_METRIC_COUNT}},
};

size_t ap_metric_groups(const ap_metric_group **first)
{
    *first = groups;
    return sizeof groups / sizeof *groups;
}

/* "  -1.23 ±0.45": the width that a number and its interval take. */
#define CELL_WIDTH 13

static int column_width(ap_metric metric)
{
    int name = (int)strlen(ap_metric_describe(metric).name) + 2;
    return name > CELL_WIDTH ? name : CELL_WIDTH;
}

static void print_cell(FILE *stream, ap_metric metric, ap_summary summary)
{
    int spare = column_width(metric) - CELL_WIDTH;
    if (isnan(summary.mean))
        fprintf(stream, "%*s", column_width(metric), "-");
    else if (summary.count == 1) /* one value has no interval */
        fprintf(stream, "%*s%7.2f %-5s", spare, "", summary.mean, "-");
    else
        fprintf(stream, "%*s%7.2f ±%-4.2f", spare, "", summary.mean, (summary.high - summary.low) / 2);
}

void ap_evaluation_print(const ap_evaluation *evaluation, FILE *stream)
{
    int systems = ap_evaluation_systems(evaluation), names = 0;
    for (int s = 0; s < systems; s++) {
        int length = (int)strlen(ap_evaluation_system(evaluation, s));
        if (length > names) names = length;
    }
    long long items = ap_evaluation_items(evaluation);
    fprintf(stream, "%lld item%s; mean ± half the width of its %.0f %% interval (bootstrap, %d resamples)\n",
            items, ap_plural(items), 100 * AP_BOOTSTRAP_LEVEL, AP_BOOTSTRAP_RESAMPLES);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        const ap_metric *columns = groups[g].columns;
        fprintf(stream, "\n%s\n%*s", groups[g].question, names, "");
        for (int c = 0; columns[c] != AP_METRIC_COUNT; c++)
            fprintf(stream, "%*s", column_width(columns[c]), ap_metric_describe(columns[c]).name);
        fprintf(stream, "\n");
        for (int s = 0; s < systems; s++) {
            fprintf(stream, "%-*s", names, ap_evaluation_system(evaluation, s));
            for (int c = 0; columns[c] != AP_METRIC_COUNT; c++)
                print_cell(stream, columns[c], ap_evaluation_summary(evaluation, s, columns[c]));
            fprintf(stream, "\n");
        }
    }
}

/* ---------------------------------------------------------------- JSON */

/* cJSON gives NULL when memory runs out. */
static cJSON *made(cJSON *item)
{
    if (!item) ap_fatal("out of memory: JSON of an evaluation");
    return item;
}

static cJSON *add(cJSON *object, const char *name, cJSON *item)
{
    if (!cJSON_AddItemToObject(object, name, made(item))) ap_fatal("out of memory: JSON of an evaluation");
    return item;
}

static cJSON *append(cJSON *array, cJSON *item)
{
    cJSON_AddItemToArray(array, made(item));
    return item;
}

static cJSON *number(double value)
{
    return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}

static void add_system(cJSON *array, const ap_evaluation *e, int system)
{
    cJSON *object = append(array, cJSON_CreateObject());
    add(object, "name", cJSON_CreateString(ap_evaluation_system(e, system)));
    cJSON *summaries = add(object, "summary", cJSON_CreateObject());
    cJSON *values = add(object, "values", cJSON_CreateObject());
    for (ap_metric m = 0; m < AP_METRIC_COUNT; m++) {
        const char *name = ap_metric_describe(m).name;
        ap_summary summary = ap_evaluation_summary(e, system, m);
        cJSON *at = add(summaries, name, cJSON_CreateObject());
        add(at, "mean", number(summary.mean));
        add(at, "low", number(summary.low));
        add(at, "high", number(summary.high));
        add(at, "count", number((double)summary.count));
        cJSON *list = add(values, name, cJSON_CreateArray());
        for (int64_t i = 0; i < ap_evaluation_items(e); i++)
            append(list, number(ap_evaluation_value(e, system, i, m)));
    }
}

static cJSON *evaluation_json(const ap_evaluation *e)
{
    cJSON *json = made(cJSON_CreateObject());
    add(json, "sample_rate", number(AP_SAMPLE_RATE));
    cJSON *bootstrap = add(json, "bootstrap", cJSON_CreateObject());
    add(bootstrap, "resamples", number(AP_BOOTSTRAP_RESAMPLES));
    add(bootstrap, "level", number(AP_BOOTSTRAP_LEVEL));
    cJSON *metrics = add(json, "metrics", cJSON_CreateArray());
    for (ap_metric m = 0; m < AP_METRIC_COUNT; m++) {
        ap_metric_text text = ap_metric_describe(m);
        cJSON *at = append(metrics, cJSON_CreateObject());
        add(at, "name", cJSON_CreateString(text.name));
        add(at, "unit", cJSON_CreateString(text.unit));
        add(at, "meaning", cJSON_CreateString(text.meaning));
    }
    cJSON *items = add(json, "items", cJSON_CreateArray());
    for (int64_t i = 0; i < ap_evaluation_items(e); i++)
        append(items, cJSON_CreateString(ap_evaluation_item(e, i)));
    cJSON *systems = add(json, "systems", cJSON_CreateArray());
    for (int s = 0; s < ap_evaluation_systems(e); s++) add_system(systems, e, s);
    return json;
}

ap_status ap_evaluation_write(const ap_evaluation *evaluation, const char *path)
{
    cJSON *json = evaluation_json(evaluation);
    char *text = cJSON_Print(json);
    if (!text) ap_fatal("out of memory: JSON of an evaluation");
    ap_status status = ap_replace_file(path, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}
