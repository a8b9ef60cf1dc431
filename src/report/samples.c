/* The compositions of a report, with spectrograms and players, next to their sources. */
#include "report/report.h"

#include "antiphon/metrics.h"
#include "antiphon/modulation.h"
#include "audio/trio.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/chart.h"
#include "report/picture.h"
#include "report/players.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_FOLDER "samples"
/* The names of samples written during training: "epoch_0010.wav". */
#define EPOCH_BEGIN "epoch_"
#define EPOCH_END ".wav"
/* At most this many of them are shown, evenly spaced over the run. */
#define EPOCHS_MOST 6
/* Further pieces are folded away. */
#define OPEN_MOST 5

static const struct {
    const char *name, *style;
} voices[TRIO] = {
    [TRIO_INPUT] = {"input", "input"},
    [TRIO_TARGET] = {"target", "target"},
    [TRIO_OUTPUT] = {"output", "output"},
};

/* ---------------------------------------------------------------- a piece */

static void draw_envelopes(page *p, int64_t n, ap_audio *trio)
{
    enum { M = AP_MODULATION_SEGMENTS };
    double seconds[M], levels[TRIO][M];
    ap_real envelope[M];
    chart_line lines[TRIO];
    for (int m = 0; m < M; m++) seconds[m] = (m + 0.5) * (double)(n / M) / AP_SAMPLE_RATE;
    for (int k = 0; k < TRIO; k++) {
        ap_envelope(1, n, M, trio[k].samples, envelope, NULL);
        for (int m = 0; m < M; m++) levels[k][m] = (double)envelope[m];
        lines[k] = (chart_line){
            .label = voices[k].name, .style = voices[k].style, .count = M, .x = seconds, .y = levels[k]};
    }
    chart c = {.title = "Loudness",
               .note = "each scaled to its own peak",
               .kind = "courses",
               .x_name = "seconds",
               .x_high = (double)n / AP_SAMPLE_RATE,
               .lines = lines,
               .line_count = TRIO};
    ap_chart_lanes(p, &c);
}

/* How much the output's envelope varies, beside those of its sources. */
static const char *variation_in_words(double output, double input, double target)
{
    if (output < 0.5 * fmin(input, target)) return "hardly";
    if (output < fmin(input, target)) return "less than its sources";
    if (output > fmax(input, target)) return "more than its sources";
    return "like its sources";
}

static void put_follows(page *p, int source, double r, double variation)
{
    ap_page_put(p, "<li>follows the <span class=\"%s\">%s</span>’s loudness: ", voices[source].style,
                voices[source].name);
    if (variation < AP_STILL_MOST)
        ap_page_put(p, "<b>it has no course</b></li>\n");
    else
        ap_page_put(p, "<b>%s</b> <small>(%.2f)</small></li>\n", ap_report_follows(r), r);
}

static void put_verdict(page *p, int64_t n, const ap_audio *trio)
{
    const ap_real *x[TRIO] = {trio[0].samples, trio[1].samples, trio[2].samples};
    double variation[TRIO];
    ap_real r_input, r_target;
    double cost =
        (double)ap_modulation_cost_arrays(1, n, AP_MODULATION_SEGMENTS, AP_BARRIER_ORIGINAL, x[TRIO_INPUT],
                                          x[TRIO_TARGET], x[TRIO_OUTPUT], &r_input, &r_target, NULL);
    for (int k = 0; k < TRIO; k++) variation[k] = ap_envelope_variation(n, x[k]);
    ap_page_put(p, "<ul class=\"verdict\">\n");
    put_follows(p, TRIO_INPUT, (double)r_input, variation[TRIO_INPUT]);
    put_follows(p, TRIO_TARGET, (double)r_target, variation[TRIO_TARGET]);
    ap_page_put(p,
                "<li>rises and falls <b>%s</b> <small>(%.2f<span class=\"wide\">; its sources %.2f, "
                "%.2f</span>)</small></li>\n",
                variation_in_words(variation[TRIO_OUTPUT], variation[TRIO_INPUT], variation[TRIO_TARGET]),
                variation[TRIO_OUTPUT], variation[TRIO_INPUT], variation[TRIO_TARGET]);
    ap_page_put(p, "<li>correlation cost <b>%.3f</b></li>\n</ul>\n", cost);
}

static void draw_trio(page *p, int64_t n, ap_audio *trio, const trio_paths *paths)
{
    player players[TRIO];
    if (n < AP_MODULATION_SEGMENTS) {
        ap_page_put(p, "<p class=\"missing\">%lld samples are too few to be shown.</p>\n", (long long)n);
        return;
    }
    for (int k = 0; k < TRIO; k++)
        players[k] = (player){voices[k].name, voices[k].style, paths->at[k], (double)n / AP_SAMPLE_RATE};
    put_verdict(p, n, trio);
    ap_players_open(p);
    ap_players_row(p, TRIO, players);
    if (n <= AP_REPORT_SECONDS * AP_SAMPLE_RATE) draw_envelopes(p, n, trio);
    ap_players_close(p);
    if (n > AP_REPORT_SECONDS * AP_SAMPLE_RATE)
        draw_envelopes(p, n, trio); /* longer than what can be heard */
}

/* The pair that a piece was made from, and its number; its number alone if the pair is not known. */
static void put_title(page *p, const char *folder, const char *name, const char *output)
{
    char *pair = ap_trio_pair(folder, name);
    ap_page_put(p, "<h3>");
    ap_page_text(p, pair ? pair : name);
    if (pair) {
        ap_page_put(p, " ");
        ap_page_element(p, "small", strrchr(output, '/') + 1);
    }
    ap_page_put(p, "</h3>\n");
    free(pair);
}

static void put_piece(page *p, const char *folder, const char *name)
{
    ap_audio trio[TRIO];
    trio_paths paths = ap_trio_paths_find(folder, name);
    ap_status status = ap_trio_read((const char *const *)paths.at, trio, NULL);
    ap_page_put(p, "<article class=\"sample\">");
    put_title(p, folder, name, paths.at[TRIO_OUTPUT]);
    if (ap_failed(&status))
        ap_report_missing(p, &status);
    else {
        draw_trio(p, trio[TRIO_OUTPUT].count, trio, &paths);
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

/* The names of those that are shown, evenly spaced; the last is always among them. */
static ap_status choose_epochs(const char *folder, ap_names *chosen)
{
    ap_names files, all = {.at = NULL};
    *chosen = (ap_names){.at = NULL};
    AP_TRY(ap_folder_list(folder, &files));
    for (size_t k = 0; k < files.count; k++)
        if (is_epoch_sample(files.at[k])) ap_names_add(&all, files.at[k]);
    size_t count = all.count < EPOCHS_MOST ? all.count : EPOCHS_MOST;
    for (size_t k = 1; k <= count; k++) ap_names_add(chosen, all.at[k * all.count / count - 1]);
    ap_names_free(&files);
    ap_names_free(&all);
    return ap_ok();
}

/* Returns whether there are any. */
static bool put_epoch_samples(page *p, const char *folder)
{
    ap_names names;
    player players[EPOCHS_MOST];
    char title[EPOCHS_MOST][32], *paths[EPOCHS_MOST];
    int count = 0;
    ap_status status = choose_epochs(folder, &names);
    if (ap_failed(&status)) ap_report_missing(p, &status);
    if (names.count)
        ap_page_put(
            p, "<h3>As training went on</h3>\n<p>The model’s output for the first validation pair.</p>\n");
    for (size_t k = 0; k < names.count; k++, count++) {
        paths[count] = ap_format_text("%s/%s", folder, names.at[k]);
        snprintf(title[count], sizeof *title, "epoch %d", atoi(names.at[k] + strlen(EPOCH_BEGIN)));
        players[count] = (player){title[count], voices[TRIO_OUTPUT].style, paths[count], AP_REPORT_SECONDS};
    }
    if (count) {
        ap_players_open(p);
        ap_players_row(p, count, players);
        ap_players_close(p);
    }
    for (int k = 0; k < count; k++) free(paths[k]);
    ap_names_free(&names);
    return count > 0;
}

/* ---------------------------------------------------------------- the section */

static void put_pieces(page *p, const char *folder, const ap_names *names, int64_t most)
{
    size_t count = (int64_t)names->count < most ? names->count : (size_t)most;
    ap_page_put(
        p, "<p>What the model heard, and its answer. Press one of the three, then another: it goes on at the "
           "same place.</p>\n");
    if (count < names->count)
        ap_page_put(p, "<p class=\"soft\">The first %zu of %zu.</p>\n", count, names->count);
    for (size_t k = 0; k < count; k++) {
        if (k == OPEN_MOST) ap_page_put(p, "<details><summary>%zu more</summary>\n", count - k);
        put_piece(p, folder, names->at[k]);
    }
    if (count > OPEN_MOST) ap_page_put(p, "</details>\n");
    ap_page_put(
        p,
        "<details><summary>What the words and numbers mean</summary><p>A piece follows a source if the two "
        "envelopes, the largest amplitudes in 250 segments, rise and fall together. The number in "
        "parentheses is their correlation r: “no” is below 0.4, “somewhat” below 0.63, “yes” below 0.9, and "
        "from there on it is a copy. The correlation cost adds up both sources: 0 follows neither, 6.9 "
        "copies one. How much an envelope rises and falls is its standard deviation over its mean; a drone "
        "has nearly 0.</p><p>Spectrograms show the top %d "
        "dB. Up to %d s of each piece can be seen and "
        "heard; numbers and envelopes cover all of it.</p></details>\n",
        PICTURE_DECIBELS, AP_REPORT_SECONDS);
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
    bool players = names.count > 0;
    ap_names_free(&names);
    if (!ap_failed(&status)) players |= put_epoch_samples(p, folder);
    ap_page_put(p, "</section>\n");
    if (players) ap_page_put(p, "<script>%s</script>\n", ap_report_script);
    free(folder);
}
