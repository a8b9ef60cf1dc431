#include "report/players.h"

#include "antiphon/audio.h"
#include "audio/flac.h"
#include "audio/recordings.h"
#include "base/memory.h"
#include "listen/banks.h"
#include "report/chart.h"
#include "report/picture.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKS 5

static ticks time_ticks(double seconds)
{
    ticks t = ap_axis_ticks((axis){0, seconds, false}, TICKS);
    if (t.count) strncat(t.label[t.count - 1], " s", PAGE_NUMBER - strlen(t.label[t.count - 1]) - 1);
    return t;
}

static ticks mel_ticks(double top)
{
    static const struct {
        double hertz;
        const char *label;
    } marks[] = {{500, "500"}, {1000, "1k"}, {2000, "2k"}, {5000, "5k"}};
    ticks t = {0};
    char label[16];
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++)
        ap_ticks_add(&t, ap_mel_from_hertz(marks[k].hertz) / ap_mel_from_hertz(top), marks[k].label);
    snprintf(label, sizeof label, "%.3gk", top / 1000);
    ap_ticks_add(&t, 1, label);
    return t;
}

static void draw_spectrogram(page *p, const char *name, const ap_audio *x)
{
    size_t length;
    ap_arena *arena = ap_arena_create();
    void *picture = ap_picture_spectrogram(arena, x->rate, x->count, x->samples, &length);
    ticks along = time_ticks((double)x->count / x->rate), up = mel_ticks(ap_picture_top(x->rate));
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

static void draw_player(page *p, const char *name, const ap_audio *x)
{
    void *flac;
    size_t length;
    ap_status status = ap_audio_to_flac(x, &flac, &length);
    if (ap_failed(&status)) {
        ap_report_missing(p, &status);
        return;
    }
    ap_page_put(p, "<audio controls=\"controls\" preload=\"metadata\" aria-label=\"");
    ap_page_text(p, name);
    ap_page_put(p, "\" src=\"");
    ap_page_data(p, "audio/flac", flac, length);
    ap_page_put(p, "\"></audio>\n");
    free(flac);
}

/* FLAC has no more than this. */
#define CHANNELS_MOST 8

/* What is heard of a recording, and the mid of that. */
static ap_status read_player(const player *one, ap_audio *sound, ap_audio *mid)
{
    ap_audio_reader *reader;
    AP_TRY(ap_audio_reader_open_channels(one->path, 0, 0, &reader));
    int64_t most = llround(fmin(one->seconds, AP_REPORT_SECONDS) * ap_audio_reader_rate(reader));
    int channels = ap_audio_reader_channels(reader) <= CHANNELS_MOST ? 0 : 2;
    ap_audio_reader_close(reader);
    AP_TRY(ap_audio_read_some(one->path, 0, channels, most, sound));
    ap_status status = ap_audio_read_some(one->path, 0, 1, most, mid);
    if (ap_failed(&status)) ap_audio_free(sound);
    return status;
}

static void draw(page *p, const player *one)
{
    ap_audio sound, mid;
    ap_status status = read_player(one, &sound, &mid);
    if (ap_failed(&status)) {
        ap_report_missing(p, &status);
        return;
    }
    ap_page_put(p, "<figure><figcaption><i class=\"%s\"></i> ", one->style);
    ap_page_text(p, one->name);
    ap_page_put(p, "</figcaption>\n<div class=\"moving\">");
    draw_spectrogram(p, one->name, &mid);
    ap_page_put(p, "</div>\n");
    draw_player(p, one->name, &sound);
    ap_page_put(p, "</figure>\n");
    ap_audio_free(&sound);
    ap_audio_free(&mid);
}

void ap_players_open(page *p)
{
    ap_page_put(p, "<div class=\"players\">\n");
}

void ap_players_close(page *p)
{
    ap_page_put(p, "</div>\n");
}

void ap_players_row(page *p, int count, const player *players)
{
    ap_page_put(p, "<div class=\"row\">\n");
    for (int k = 0; k < count; k++) draw(p, &players[k]);
    ap_page_put(p, "</div>\n");
}
