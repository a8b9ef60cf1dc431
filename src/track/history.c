#include "track/history.h"

#include "base/file.h"
#include "base/memory.h"
#include "track/log.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A key that only the lines of completed epochs have. */
#define EPOCH_MARK "epoch_seconds"

static series *find_or_add(history *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->series[i].name, name) == 0) return &h->series[i];
    h->series = ap_reallocate(h->series, h->count + 1, sizeof *h->series);
    h->series[h->count] = (series){.name = ap_copy_text(name)};
    return &h->series[h->count++];
}

static void append(series *s, double step, double value)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->step = ap_reallocate(s->step, s->capacity, sizeof *s->step);
        s->value = ap_reallocate(s->value, s->capacity, sizeof *s->value);
    }
    s->step[s->count] = step;
    s->value[s->count++] = value;
}

static double number(const cJSON *line, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static bool is_metric(const cJSON *item)
{
    return strcmp(item->string, LOG_STEP) != 0 && strcmp(item->string, LOG_EPOCH) != 0 &&
           strcmp(item->string, LOG_TIME) != 0 && (cJSON_IsNumber(item) || cJSON_IsNull(item));
}

static bool read_line(history *h, const char *text, size_t length)
{
    cJSON *line = ap_log_parse(text, length);
    double step = number(line, LOG_STEP), time = number(line, LOG_TIME), epoch = number(line, LOG_EPOCH);
    bool good = cJSON_IsObject(line) && isfinite(step);
    const cJSON *item = NULL;
    if (good) cJSON_ArrayForEach(item, line) if (is_metric(item))
        {
            append(find_or_add(h, item->string), step, cJSON_IsNumber(item) ? item->valuedouble : NAN);
            if (strcmp(item->string, EPOCH_MARK) == 0 && epoch > 0) {
                h->epochs = epoch;
                h->steps_per_epoch = step / epoch;
            }
        }
    if (good && isfinite(time)) {
        if (h->lines == 0) h->began = time;
        h->ended = time;
    }
    if (good) h->last_step = step;
    cJSON_Delete(line);
    return good;
}

ap_status ap_history_read(const char *path, history *h)
{
    char *text;
    size_t length;
    *h = (history){.began = NAN, .ended = NAN};
    AP_TRY(ap_file_read(path, LOG_MOST, &text, &length));
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t line = end ? (size_t)(end - text) - at : length - at;
        if (read_line(h, text + at, line))
            h->lines++;
        else
            h->torn++;
        at += line + 1;
    }
    free(text);
    return ap_ok();
}

void ap_history_free(history *h)
{
    for (size_t i = 0; i < h->count; i++) {
        free(h->series[i].name);
        free(h->series[i].step);
        free(h->series[i].value);
    }
    free(h->series);
    *h = (history){.series = NULL};
}

const series *ap_history_find(const history *h, const char *name)
{
    return ap_history_find_measure(h, "", name);
}

const series *ap_history_find_measure(const history *h, const char *prefix, const char *measure)
{
    size_t length = strlen(prefix);
    for (size_t i = 0; i < h->count; i++)
        if (strncmp(h->series[i].name, prefix, length) == 0 &&
            strcmp(h->series[i].name + length, measure) == 0)
            return &h->series[i];
    return NULL;
}

long ap_series_lowest(const series *s)
{
    long lowest = -1;
    for (size_t i = 0; i < s->count; i++)
        if (isfinite(s->value[i]) && (lowest < 0 || s->value[i] < s->value[lowest])) lowest = (long)i;
    return lowest;
}

double ap_series_last(const series *s)
{
    return s && s->count ? s->value[s->count - 1] : NAN;
}

series ap_series_without(const series *s, const series *part)
{
    series rest = {.count = 0};
    for (size_t i = 0, k = 0; i < s->count; i++) {
        while (part && k < part->count && part->step[k] < s->step[i]) k++;
        const bool there = part && k < part->count && part->step[k] == s->step[i];
        if (!there || part->value[k] != s->value[i]) append(&rest, s->step[i], s->value[i]);
    }
    return rest;
}

series ap_series_thinned(const series *s, size_t most)
{
    series thin = {.count = s->count < most ? s->count : most};
    thin.step = ap_allocate(thin.count, sizeof *thin.step);
    thin.value = ap_allocate(thin.count, sizeof *thin.value);
    for (size_t k = 0; k < thin.count; k++) {
        size_t from = k * s->count / thin.count, to = (k + 1) * s->count / thin.count, finite = 0;
        double sum = 0;
        for (size_t i = from; i < to; i++) {
            thin.step[k] += s->step[i] / (double)(to - from);
            if (!isfinite(s->value[i])) continue;
            sum += s->value[i];
            finite++;
        }
        thin.value[k] = finite ? sum / (double)finite : NAN;
    }
    return thin;
}
