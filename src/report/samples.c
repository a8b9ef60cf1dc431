/* The compositions of a report, with spectrograms and players, next to their sources. */
#include "report/report.h"

#include "antiphon/metrics.h"
#include "antiphon/modulation.h"
#include "audio/flac.h"
#include "audio/trio.h"
#include "base/file.h"
#include "base/memory.h"
#include "evaluate/banks.h"
#include "report/chart.h"
#include "report/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_FOLDER "samples"
#define TICKS 5
/* The names of samples written during training: "epoch_0010.wav". */
#define EPOCH_BEGIN "epoch_"
#define EPOCH_END ".wav"
/* At most this many of them are shown, evenly spaced over the run. */
#define EPOCHS_MOST 6

static const struct {
    const char *name, *style;
} voices[TRIO] = {
    [TRIO_INPUT] = {"input", "input"},
    [TRIO_TARGET] = {"target", "target"},
    [TRIO_OUTPUT] = {"output", "output"},
};

/* ---------------------------------------------------------------- one recording */

static ticks time_ticks(double seconds)
{
    ticks t = ap_axis_ticks((axis){0, seconds, false}, TICKS);
    if (t.count) strncat(t.label[t.count - 1], " s", PAGE_NUMBER - strlen(t.label[t.count - 1]) - 1);
    return t;
}

static ticks mel_ticks(void)
{
    static const struct {
        double hertz;
        const char *label;
    } marks[] = {{500, "500"}, {1000, "1k"}, {2000, "2k"}, {5000, "5k"}, {PICTURE_TOP, "12k"}};
    ticks t = {0};
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++)
        ap_ticks_add(&t, ap_mel_from_hertz(marks[k].hertz) / ap_mel_from_hertz(PICTURE_TOP), marks[k].label);
    return t;
}

static void draw_spectrogram(page *p, const char *name, int64_t n, const ap_real *x)
{
    size_t length;
    ap_arena *arena = ap_arena_create();
    void *picture = ap_picture_spectrogram(arena, n, x, &length);
    ticks along = time_ticks((double)n / AP_SAMPLE_RATE), up = mel_ticks();
    char *words = ap_format_text(
        "Spectrogram of the %s: time across, frequency in Hz upwards, loudness as light", name);
    ap_chart_frame_open(p, "picture", words, &along, &up);
    ap_page_put(p, "<image width=\"100%%\" height=\"100%%\" preserveAspectRatio=\"none\" href=\"");
    ap_page_data(p, "image/png", picture, length);
    ap_page_put(p, "\"/>");
    ap_chart_frame_close(p);
    free(words);
    free(picture);
    ap_arena_free(arena);
}

static void draw_player(page *p, const char *name, int64_t n, ap_real *x)
{
    void *flac;
    size_t length;
    ap_status status = ap_audio_to_flac(&(ap_audio){x, n, AP_SAMPLE_RATE, 1}, &flac, &length);
    if (ap_failed(&status)) {
        ap_report_missing(p, &status);
        return;
    }
    ap_page_put(p, "<audio controls=\"controls\" preload=\"metadata\" aria-label=\"");
    ap_page_text(p, name);
    ap_page_put(p, "\" src=\"");
    ap_page_data(p, "audio/flac", flac, length);
    ap_page_put(p, "\"></audio>");
    free(flac);
}

static int64_t shown(int64_t n)
{
    const int64_t most = AP_REPORT_SECONDS * AP_SAMPLE_RATE;
    return n < most ? n : most;
}

static void draw_recording(page *p, const char *name, const char *style, int64_t n, ap_real *x)
{
    ap_page_put(p, "<figure><figcaption><i class=\"%s\"></i>", style);
    ap_page_text(p, name);
    ap_page_put(p, "</figcaption>");
    draw_spectrogram(p, name, shown(n), x);
    draw_player(p, name, shown(n), x);
    ap_page_put(p, "</figure>\n");
}

/* ---------------------------------------------------------------- three of them */

static void draw_envelopes(page *p, int64_t n, ap_audio *trio)
{
    enum { M = AP_MODULATION_SEGMENTS };
    double seconds[M], levels[TRIO][M], loudest = 0;
    ap_real envelope[M];
    chart_line lines[TRIO];
    for (int m = 0; m < M; m++) seconds[m] = (m + 0.5) * (double)(n / M) / AP_SAMPLE_RATE;
    for (int k = 0; k < TRIO; k++) {
        ap_envelope(1, n, M, trio[k].samples, envelope, NULL);
        for (int m = 0; m < M; m++) {
            levels[k][m] = (double)envelope[m];
            loudest = fmax(loudest, levels[k][m]);
        }
        lines[k] = (chart_line){.label = voices[k].name,
                                .style = k == TRIO_OUTPUT  ? "output"
                                         : k == TRIO_INPUT ? "input thin"
                                                           : "target thin",
                                .count = M,
                                .x = seconds,
                                .y = levels[k]};
    }
    chart c = {.title = "Envelopes",
               .note = "The largest amplitude in each of 250 segments, full scale 1.",
               .kind = "wide",
               .x_name = "seconds",
               .x_high = (double)n / AP_SAMPLE_RATE,
               .scale = CHART_LINEAR,
               .lines = lines,
               .line_count = TRIO};
    ap_chart_draw(p, &c);
}

static void put_fact(page *p, const char *name, double value, const char *meaning)
{
    ap_page_put(p, "<div><dt>%s</dt><dd>%.3f <small>%s</small></dd></div>", name, value, meaning);
}

static void put_numbers(page *p, int64_t n, const ap_audio *trio)
{
    const ap_real *x[TRIO] = {trio[0].samples, trio[1].samples, trio[2].samples};
    ap_real r_input, r_target;
    double cost =
        (double)ap_modulation_cost_arrays(1, n, AP_MODULATION_SEGMENTS, AP_BARRIER_ORIGINAL, x[TRIO_INPUT],
                                          x[TRIO_TARGET], x[TRIO_OUTPUT], &r_input, &r_target, NULL);
    char *sources = ap_format_text("input %.2f, target %.2f", ap_envelope_variation(n, x[TRIO_INPUT]),
                                   ap_envelope_variation(n, x[TRIO_TARGET]));
    ap_page_put(p, "<dl class=\"facts\">");
    put_fact(p, "r_input", (double)r_input, "1 follows the input’s envelope");
    put_fact(p, "r_target", (double)r_target, "1 follows the target’s");
    put_fact(p, "cost", cost, "0 follows neither, 6.9 copies one");
    put_fact(p, "variation", ap_envelope_variation(n, x[TRIO_OUTPUT]), sources);
    ap_page_put(p, "</dl>\n");
    free(sources);
}

static void draw_trio(page *p, int64_t n, ap_audio *trio)
{
    if (n < AP_MODULATION_SEGMENTS) {
        ap_page_put(p, "<p class=\"missing\">%lld samples are too few to be shown.</p>\n", (long long)n);
        return;
    }
    put_numbers(p, n, trio);
    draw_envelopes(p, n, trio);
    ap_page_put(p, "<div class=\"trio\">\n");
    for (int k = 0; k < TRIO; k++) draw_recording(p, voices[k].name, voices[k].style, n, trio[k].samples);
    ap_page_put(p, "</div>\n");
}

static void put_piece(page *p, const char *folder, const char *name)
{
    ap_audio trio[TRIO];
    trio_paths paths = ap_trio_paths_of(folder, name);
    ap_status status = ap_trio_read((const char *const *)paths.at, trio, NULL);
    ap_page_put(p, "<article class=\"sample\">");
    ap_page_element(p, "h3", name);
    if (ap_failed(&status))
        ap_report_missing(p, &status);
    else {
        draw_trio(p, trio[TRIO_OUTPUT].count, trio);
        ap_trio_free(trio);
    }
    ap_page_put(p, "</article>\n");
    ap_trio_paths_free(&paths);
}

/* ---------------------------------------------------------------- on the way */

static bool is_epoch_sample(const char *name)
{
    size_t length = strlen(name), end = strlen(EPOCH_END);
    return length > end && strncmp(name, EPOCH_BEGIN, strlen(EPOCH_BEGIN)) == 0 &&
           strcmp(name + length - end, EPOCH_END) == 0;
}

static void put_epoch_sample(page *p, const char *folder, const char *name)
{
    ap_audio audio;
    char *path = ap_format_text("%s/%s", folder, name);
    ap_status status = ap_audio_read(path, AP_SAMPLE_RATE, &audio);
    if (ap_failed(&status))
        ap_report_missing(p, &status);
    else {
        char *title = ap_format_text("epoch %d", atoi(name + strlen(EPOCH_BEGIN)));
        draw_recording(p, title, voices[TRIO_OUTPUT].style, audio.count, audio.samples);
        ap_audio_free(&audio);
        free(title);
    }
    free(path);
}

static void put_epoch_samples(page *p, const char *folder)
{
    ap_names files, chosen = {.at = NULL};
    ap_status status = ap_folder_list(folder, &files);
    if (ap_failed(&status)) {
        ap_report_missing(p, &status);
        return;
    }
    for (size_t k = 0; k < files.count; k++)
        if (is_epoch_sample(files.at[k])) ap_names_add(&chosen, files.at[k]);
    if (chosen.count) {
        size_t count = chosen.count < EPOCHS_MOST ? chosen.count : EPOCHS_MOST;
        ap_page_put(p,
                    "<h3>As training went on</h3>\n<p>The model's output for the first validation pair.</p>\n"
                    "<div class=\"trio\">\n");
        /* the last is always among them */
        for (size_t k = 1; k <= count; k++)
            put_epoch_sample(p, folder, chosen.at[k * chosen.count / count - 1]);
        ap_page_put(p, "</div>\n");
    }
    ap_names_free(&files);
    ap_names_free(&chosen);
}

/* ---------------------------------------------------------------- the section */

static void put_pieces(page *p, const char *folder, const ap_names *names, int64_t most)
{
    size_t count = (int64_t)names->count < most ? names->count : (size_t)most;
    ap_page_put(p,
                "<p>The sources and the model's answer. Spectrograms show the top %d dB; up to %d s "
                "of each piece can be seen and heard; numbers and envelopes cover all of it.</p>\n",
                PICTURE_DECIBELS, AP_REPORT_SECONDS);
    if (count < names->count)
        ap_page_put(p, "<p class=\"soft\">The first %zu of %zu.</p>\n", count, names->count);
    for (size_t k = 0; k < count; k++) put_piece(p, folder, names->at[k]);
}

static bool may_be_there(const char *path)
{
    bool there;
    ap_status status = ap_file_is_there(path, &there);
    return ap_failed(&status) || there;
}

void ap_report_samples(page *p, const run_record *run, int64_t most)
{
    ap_names names;
    char *folder = ap_format_text("%s/" SAMPLES_FOLDER, run->folder);
    ap_status status = ap_trio_names_list(folder, &names);
    ap_page_put(p, "<section id=\"samples\"><h2>Compositions</h2>\n");
    if (ap_failed(&status) && may_be_there(folder)) {
        ap_report_missing(p, &status);
    } else if (names.count == 0) {
        ap_page_put(p, "<p class=\"missing\">There are none yet. They are made by<br/><code>antiphon infer "
                       "--checkpoint ");
        ap_page_text(p, run->folder);
        ap_page_put(p, "/checkpoints/best.safetensors --pairs DIR --out ");
        ap_page_text(p, folder);
        ap_page_put(p, "</code></p>\n");
    } else {
        put_pieces(p, folder, &names, most);
    }
    ap_names_free(&names);
    if (!ap_failed(&status)) put_epoch_samples(p, folder);
    ap_page_put(p, "</section>\n");
    free(folder);
}
