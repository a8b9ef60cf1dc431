#include "audio/prepare_sources.h"

#include "antiphon/audio.h"
#include "audio/listing.h"
#include "audio/matching.h"
#include "base/folder.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

int ap_prepare_rate(const ap_prepare_options *o)
{
    return o->sample_rate ? o->sample_rate : AP_SAMPLE_RATE;
}

int ap_prepare_channels(const ap_prepare_options *o)
{
    return o->channels ? o->channels : 1;
}

int64_t ap_prepare_pairs_a_window(const ap_prepare_source *s)
{
    return s->ahead ? 2 : 1;
}

static void source_free(ap_prepare_source *s)
{
    free(s->input);
    free(s->target);
}

void ap_prepare_sources_keep(ap_prepare_sources *s, size_t count)
{
    while (s->count > count) source_free(&s->at[--s->count]);
}

void ap_prepare_sources_free(ap_prepare_sources *s)
{
    ap_prepare_sources_keep(s, 0);
    free(s->at);
}

/* ---------------------------------------------------------------- what is told */

typedef struct teller {
    const ap_prepare_options *options;
    ap_prepare_report *report;
} teller;

static void tell_left_out(void *context, const char *line)
{
    const teller *t = context;
    t->report->left_out++;
    if (t->options->left_out) t->options->left_out(line);
}

void ap_prepare_leave_out(const ap_prepare_options *o, ap_prepare_report *report, int64_t *count,
                          const char *path, const char *reason)
{
    char *line = ap_format_text("%s: %s", path, reason);
    ++*count;
    tell_left_out(&(teller){o, report}, line);
    free(line);
}

void ap_prepare_tell(const ap_prepare_options *o, const char *what, int64_t *done, int64_t total)
{
#pragma omp critical(ap_prepare_progress)
    {
        ++*done;
        if (o->progress) o->progress(what, *done, total);
    }
}

/* ---------------------------------------------------------------- what is found */

static void add_source(ap_prepare_sources *s, const char *inputs, const char *input, const char *targets,
                       const char *target)
{
    s->at = ap_reallocate(s->at, s->count + 1, sizeof *s->at);
    s->at[s->count++] = (ap_prepare_source){.input = ap_format_text("%s/%s", inputs, input),
                                            .target = ap_format_text("%s/%s", targets, target)};
}

static void leave_alone(const ap_prepare_options *o, ap_prepare_report *report, const char *folder,
                        const char *name)
{
    char *path = ap_format_text("%s/%s", folder, name);
    ap_prepare_leave_out(o, report, &report->alone, path, "without a partner");
    free(path);
}

static void add_matched(const ap_prepare_options *o, const ap_names *inputs, const ap_names *targets,
                        const int64_t *partner, ap_prepare_sources *found, ap_prepare_report *report)
{
    bool *taken = ap_allocate(targets->count, sizeof *taken);
    for (size_t k = 0; k < inputs->count; k++) {
        if (partner[k] < 0) {
            leave_alone(o, report, o->inputs, inputs->at[k]);
            continue;
        }
        taken[partner[k]] = true;
        add_source(found, o->inputs, inputs->at[k], o->targets, targets->at[partner[k]]);
        if (found->count > 1) continue;
        snprintf(report->example[0], sizeof report->example[0], "%s", inputs->at[k]);
        snprintf(report->example[1], sizeof report->example[1], "%s", targets->at[partner[k]]);
    }
    for (size_t k = 0; k < targets->count; k++)
        if (!taken[k]) leave_alone(o, report, o->targets, targets->at[k]);
    free(taken);
}

static ap_status match(const ap_prepare_options *o, const ap_names *inputs, const ap_names *targets,
                       ap_prepare_sources *found, ap_prepare_report *report)
{
    int64_t *partner = ap_allocate(inputs->count, sizeof *partner);
    ap_status status = ap_match_recordings(o, inputs, targets, partner, &report->matched);
    if (!ap_failed(&status)) add_matched(o, inputs, targets, partner, found, report);
    free(partner);
    return status;
}

ap_status ap_prepare_find(const ap_prepare_options *o, ap_prepare_sources *found, ap_prepare_report *report)
{
    ap_names inputs = {NULL, 0}, targets = {NULL, 0};
    teller t = {o, report};
    ap_status status =
        ap_recordings_list(o->songs ? o->songs : o->inputs, o->targets, tell_left_out, &t, &inputs);
    if (!o->songs && !ap_failed(&status))
        status = ap_recordings_list(o->targets, o->inputs, tell_left_out, &t, &targets);
    if (!o->songs && !ap_failed(&status)) status = match(o, &inputs, &targets, found, report);
    for (size_t k = 0; o->songs && k < inputs.count; k++)
        add_source(found, o->songs, inputs.at[k], o->songs, inputs.at[k]);
    ap_names_free(&inputs);
    ap_names_free(&targets);
    return status;
}
