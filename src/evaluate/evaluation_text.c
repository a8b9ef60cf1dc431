#include "antiphon/audio.h"
#include "antiphon/evaluate.h"
#include "base/text.h"
#include "evaluate/summary.h"
#include "evaluate/table.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- aligned text */

/* Metrics that answer one question share a table. */
static const ap_metric_group groups[] = {
    {"Does it copy?",
     {AP_METRIC_COST, AP_METRIC_R0_INPUT, AP_METRIC_R0_TARGET, AP_METRIC_RMAX_INPUT, AP_METRIC_RMAX_TARGET,
      AP_METRIC_MIX_SHARE, AP_METRIC_OTHERS, AP_METRIC_COUNT}},
    {"Does it take its timing from the input, harmony and timbre from the target?",
     {AP_METRIC_ONSET_F1, AP_METRIC_ONSET_GAIN, AP_METRIC_CHROMA, AP_METRIC_CHROMA_GAIN,
      AP_METRIC_CHROMA_INPUT, AP_METRIC_CHROMA_SOURCES, AP_METRIC_TIMBRE_TARGET, AP_METRIC_TIMBRE_INPUT,
      AP_METRIC_TIMBRE_RATIO, AP_METRIC_COUNT}},
    {"Is it music?",
     {AP_METRIC_LOUDNESS, AP_METRIC_ACTIVE, AP_METRIC_VARIATION, AP_METRIC_VARIATION_INPUT,
      AP_METRIC_VARIATION_TARGET, AP_METRIC_FLATNESS, AP_METRIC_SILENT, AP_METRIC_NOISE, AP_METRIC_DRONE,
      AP_METRIC_COUNT}},
    {"Is it clean?",
     {AP_METRIC_CREST, AP_METRIC_CREST_INPUT, AP_METRIC_CREST_TARGET, AP_METRIC_FIZZ, AP_METRIC_FIZZ_TARGET,
      AP_METRIC_CLICKS, AP_METRIC_JUMPS, AP_METRIC_FLUTTER, AP_METRIC_RINGING, AP_METRIC_COUNT}},
};

size_t ap_metric_groups(const ap_metric_group **first)
{
    *first = groups;
    return sizeof groups / sizeof *groups;
}

/* The width of a terminal. Wider tables continue below, with the names repeated. */
#define LINE_WIDTH 80

static int column_width(ap_metric metric)
{
    return ap_table_width(ap_metric_describe(metric).name);
}

/* Prints a table of these metrics, with one row per system. */
static void print_table(const ap_evaluation *evaluation, int names, const ap_metric *columns, int count,
                        FILE *stream)
{
    fprintf(stream, "%*s", names, "");
    for (int c = 0; c < count; c++)
        fprintf(stream, "%*s", column_width(columns[c]), ap_metric_describe(columns[c]).name);
    fprintf(stream, "\n");
    for (int s = 0; s < ap_evaluation_systems(evaluation); s++) {
        fprintf(stream, "%-*s", names, ap_evaluation_system(evaluation, s));
        for (int c = 0; c < count; c++)
            ap_table_summary(stream, column_width(columns[c]),
                             ap_evaluation_summary(evaluation, s, columns[c]));
        fprintf(stream, "\n");
    }
}

/* The number of columns that fit on a line beside the names. */
static int columns_that_fit(int names, const ap_metric *columns)
{
    int count = 0, width = names;
    for (; columns[count] != AP_METRIC_COUNT; count++) {
        width += column_width(columns[count]);
        if (count && width > LINE_WIDTH) break;
    }
    return count;
}

void ap_evaluation_print(const ap_evaluation *evaluation, FILE *stream)
{
    int names = 0;
    for (int s = 0; s < ap_evaluation_systems(evaluation); s++) {
        int length = (int)strlen(ap_evaluation_system(evaluation, s));
        if (length > names) names = length;
    }
    long long items = ap_evaluation_items(evaluation), still = ap_evaluation_still(evaluation);
    fprintf(stream, "%lld item%s; mean ± half of its %.0f %% interval (bootstrap, %d resamples)\n", items,
            ap_plural(items), 100 * AP_BOOTSTRAP_LEVEL, AP_BOOTSTRAP_RESAMPLES);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        const ap_metric *columns = groups[g].columns;
        fprintf(stream, "\n%s\n", groups[g].question);
        for (int count; *columns != AP_METRIC_COUNT; columns += count) {
            if (columns != groups[g].columns) fprintf(stream, "\n");
            count = columns_that_fit(names, columns);
            print_table(evaluation, names, columns, count, stream);
        }
    }
    ap_summary level = ap_evaluation_image_level(evaluation);
    if (level.count)
        fprintf(stream,
                "\nThe stereo image of %lld composed piece%s, from that of the target: levels of\n"
                "left and right off by %.1f dB, their coherence by %.2f (of 2).\n",
                (long long)level.count, ap_plural(level.count), level.mean,
                ap_evaluation_image_coherence(evaluation).mean);
    if (still)
        fprintf(stream,
                "\nIn %lld of %lld item%s a source's maxima hardly move (full scale throughout,\n"
                "steady or quiet): r_input, r_target and the cost say nothing there.\n",
                still, items, ap_plural(items));
}

/* ---------------------------------------------------------------- JSON */

static void add_system(cJSON *array, const ap_evaluation *e, int system)
{
    cJSON *object = ap_json_append(array, cJSON_CreateObject());
    ap_json_add_text(object, "name", ap_evaluation_system(e, system));
    cJSON *summaries = ap_json_add(object, "summary", cJSON_CreateObject());
    cJSON *values = ap_json_add(object, "values", cJSON_CreateObject());
    for (ap_metric m = 0; m < AP_METRIC_COUNT; m++) {
        const char *name = ap_metric_describe(m).name;
        ap_json_add_summary(ap_json_add(summaries, name, cJSON_CreateObject()),
                            ap_evaluation_summary(e, system, m));
        cJSON *list = ap_json_add(values, name, cJSON_CreateArray());
        for (int64_t i = 0; i < ap_evaluation_items(e); i++)
            ap_json_append(list, ap_json_number(ap_evaluation_value(e, system, i, m)));
    }
}

static cJSON *evaluation_json(const ap_evaluation *e)
{
    cJSON *json = ap_json_made(cJSON_CreateObject());
    ap_json_add_number(json, "sample_rate", AP_SAMPLE_RATE);
    ap_json_add_bootstrap(json);
    cJSON *metrics = ap_json_add(json, "metrics", cJSON_CreateArray());
    for (ap_metric m = 0; m < AP_METRIC_COUNT; m++) {
        ap_metric_text text = ap_metric_describe(m);
        cJSON *at = ap_json_append(metrics, cJSON_CreateObject());
        ap_json_add_text(at, "name", text.name);
        ap_json_add_text(at, "unit", text.unit);
        ap_json_add_text(at, "meaning", text.meaning);
    }
    cJSON *items = ap_json_add(json, "items", cJSON_CreateArray());
    for (int64_t i = 0; i < ap_evaluation_items(e); i++)
        ap_json_append(items, cJSON_CreateString(ap_evaluation_item(e, i)));
    cJSON *unrelated = ap_json_add(json, "unrelated", cJSON_CreateObject());
    for (ap_metric m = 0; m < AP_METRIC_COUNT; m++)
        if (!isnan(ap_evaluation_unrelated(e, m)))
            ap_json_add_number(unrelated, ap_metric_describe(m).name, ap_evaluation_unrelated(e, m));
    cJSON *systems = ap_json_add(json, "systems", cJSON_CreateArray());
    for (int s = 0; s < ap_evaluation_systems(e); s++) add_system(systems, e, s);
    if (!ap_evaluation_image_level(e).count) return json;
    cJSON *image = ap_json_add(json, "image", cJSON_CreateObject());
    ap_json_add_summary(ap_json_add(image, "level", cJSON_CreateObject()), ap_evaluation_image_level(e));
    ap_json_add_summary(ap_json_add(image, "coherence", cJSON_CreateObject()),
                        ap_evaluation_image_coherence(e));
    return json;
}

ap_status ap_evaluation_write(const ap_evaluation *evaluation, const char *path)
{
    return ap_json_write(path, evaluation_json(evaluation));
}
