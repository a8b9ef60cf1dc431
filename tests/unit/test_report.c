/* The report: text made safe, the log read back, axes and lines, pictures and sound, and a page of a broken
 * run. */
#include "antiphon/report.h"

#include "audio/flac.h"
#include "base/memory.h"
#include "base/replace.h"
#include "listen/banks.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/text.h"
#include "report/chart.h"
#include "track/history.h"
#include "report/page.h"
#include "report/picture.h"
#include "report/report.h"

#include <float.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- the page */

static void expect_text(const char *text, const char *want)
{
    page p;
    size_t length;
    ap_page_open(&p);
    ap_page_text(&p, text);
    char *got = ap_page_close(&p, &length);
    assert_string_equal(got, want);
    assert_int_equal(length, strlen(want));
    free(got);
}

static void text_is_escaped(void **state)
{
    (void)state;
    expect_text("", "");
    expect_text("a < b && \"c\" > 'd'", "a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;");
    expect_text("naïve – 音 𝄞", "naïve – 音 𝄞");
    expect_text("one\ttwo\nthree", "one\ttwo\nthree");
    expect_text("a\x1B[2J\x7F", "a\uFFFD[2J\uFFFD");
    /* a byte that begins nothing, a character cut short, a surrogate, an overlong slash */
    expect_text("a\xFF", "a\uFFFD");
    expect_text("\xC3<", "\uFFFD&lt;");
    expect_text("\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD");
    expect_text("\xC0\xAF", "\uFFFD\uFFFD");
}

/* RFC 4648, section 10. */
static void data_is_base64(void **state)
{
    (void)state;
    static const char *const want[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t n = 0; n < sizeof want / sizeof *want; n++) {
        page p;
        size_t length;
        ap_page_open(&p);
        ap_page_data(&p, "text/plain", "foobar", n);
        char *got = ap_page_close(&p, &length);
        assert_string_equal(got + strlen("data:text/plain;base64,"), want[n]);
        free(got);
    }
}

static void numbers(void **state)
{
    (void)state;
    char text[PAGE_NUMBER];
    assert_string_equal(ap_page_number(0.123456, 3, text), "0.123");
    assert_string_equal(ap_page_number(1.25e-5, 3, text), "1.25e-5");
    assert_string_equal(ap_page_number(-0.00015, 3, text), "-1.5e-4");
    assert_string_equal(ap_page_number(0.0005, 6, text), "5e-4");
    assert_string_equal(ap_page_number(0.001, 6, text), "0.001");
    assert_string_equal(ap_page_number(-3e12, 3, text), "-3e12");
    assert_string_equal(ap_page_number(0, 3, text), "0");
    assert_string_equal(ap_page_number(NAN, 3, text), "–");
    assert_string_equal(ap_page_number(-INFINITY, 3, text), "–");
}

/* ---------------------------------------------------------------- the log */

static history read_log(void **state, const char *text)
{
    history h;
    text_write(folder_path(state, "log.jsonl"), text);
    ap_status status = ap_history_read(folder_path(state, "log.jsonl"), &h);
    assert_string_equal(status.message, "");
    return h;
}

static void a_log_is_read(void **state)
{
    history h = read_log(
        state, "{\"step\": 1, \"epoch\": 1, \"time\": 100.5, \"train_loss\": 3}\n"
               "{\"step\": 2, \"epoch\": 1, \"time\": 101, \"train_loss\": null}\n"
               "{\"step\": 2, \"epoch\": 1, \"time\": 102, \"val_loss\": 2, \"epoch_seconds\": 4}\n"
               "{\"step\": 4, \"epoch\": 2, \"time\": 110, \"val_loss\": 1.5, \"epoch_seconds\": 4}\n"
               "{\"step\": 6, \"epoch\": 3, \"time\": 120, \"val_loss\": 1.75, \"epoch_seconds\": 4}\n");
    assert_int_equal(h.lines, 5);
    assert_int_equal(h.torn, 0);
    assert_int_equal(h.count, 3); /* step, epoch and time are no metrics */
    assert_true(h.began == 100.5 && h.ended == 120);
    assert_true(h.last_step == 6 && h.epochs == 3 && h.steps_per_epoch == 2);
    const series *train = ap_history_find(&h, "train_loss"),
                 *val = ap_history_find_measure(&h, "val_", "loss");
    assert_int_equal(train->count, 2);
    assert_true(train->value[0] == 3 && isnan(train->value[1]) && isnan(ap_series_last(train)));
    assert_int_equal(ap_series_lowest(val), 1);
    assert_true(ap_series_last(val) == 1.75 && val->step[2] == 6);
    assert_null(ap_history_find(&h, "loss"));
    assert_null(ap_history_find(&h, "val_los"));
    ap_history_free(&h);
}

static void torn_lines_are_left_out(void **state)
{
    history h = read_log(state, "{\"step\": 1, \"a\": 1}\n"
                                "{\"step\": 2, \"a\n" /* torn, and another run wrote on */
                                "{\"a\": 7}\n"        /* no step */
                                "[1, 2]\n"            /* no object */
                                "{\"step\": 2, \"a\": 2}{\"step\": 2, \"a\": 2}\n"
                                "{\"step\": 3, \"a\": 3, \"b\": \"text\"}\n"
                                "{\"step\": 4, \"a\": 4"); /* the last */
    assert_int_equal(h.lines, 2);
    assert_int_equal(h.torn, 5);
    assert_int_equal(h.count, 1);
    const series *a = ap_history_find(&h, "a");
    assert_int_equal(a->count, 2);
    assert_true(a->step[1] == 3 && a->value[1] == 3);
    assert_true(isnan(h.began) && h.steps_per_epoch == 0);
    ap_history_free(&h);

    h = read_log(state, "{\"step\": 1, \"a\": 1}"); /* whole, though its newline is missing */
    assert_int_equal(h.lines, 1);
    assert_int_equal(h.torn, 0);
    ap_history_free(&h);

    /* longer than any line of ours: it is not even parsed */
    char *line = ap_format_text("{\"step\": 1, \"a\": 1%*s}\n{\"step\": 2, \"a\": 2}\n", 1 << 16, "");
    h = read_log(state, line);
    assert_int_equal(h.lines, 1);
    assert_int_equal(h.torn, 1);
    ap_history_free(&h);
    free(line);

    ap_status status = ap_history_read(folder_path(state, "nowhere"), &h);
    assert_true(ap_failed(&status));
    assert_int_equal(h.count, 0);
}

static void long_series_are_thinned(void **state)
{
    (void)state;
    double step[] = {1, 2, 3, 4, 5, 6, 7}, value[] = {1, 3, NAN, 5, NAN, NAN, 9};
    series s = {.count = 6, .step = step, .value = value};
    series thin = ap_series_thinned(&s, 3);
    assert_int_equal(thin.count, 3);
    assert_true(thin.step[0] == 1.5 && thin.step[1] == 3.5 && thin.step[2] == 5.5);
    assert_true(thin.value[0] == 2 && thin.value[1] == 5 && isnan(thin.value[2]));
    free(thin.step);
    free(thin.value);
    s.count = 7;
    thin = ap_series_thinned(&s, 7);
    assert_int_equal(thin.count, 7);
    assert_true(thin.step[6] == 7 && thin.value[6] == 9 && isnan(thin.value[2]));
    free(thin.step);
    free(thin.value);
}

/* ---------------------------------------------------------------- charts */

static void ticks_are_round(void **state)
{
    (void)state;
    ticks t = ap_axis_ticks((axis){0, 1.05, false}, 5);
    assert_int_equal(t.count, 3);
    assert_string_equal(t.label[0], "0");
    assert_string_equal(t.label[1], "0.5");
    assert_string_equal(t.label[2], "1");
    assert_true(fabs(t.at[1] - 0.5 / 1.05) < 1e-12);
    t = ap_axis_ticks((axis){-0.3, 0.3, false}, 6);
    assert_int_equal(t.count, 7);
    assert_string_equal(t.label[3], "0"); /* and not -0 or 5e-17 */
    /* narrower than what tells two numbers apart, where counting on by 1 comes to nothing */
    t = ap_axis_ticks((axis){1, 1 + DBL_EPSILON, false}, 5);
    for (int i = 0; i < t.count; i++) assert_true(t.at[i] >= -1e-9 && t.at[i] <= 1 + 1e-9);
    t = ap_axis_ticks((axis){1e-3, 1e3, true}, 5);
    assert_string_equal(t.label[0], "0.001");
    assert_string_equal(t.label[1], "0.1");
    assert_true(fabs(t.at[1] - 1.0 / 3) < 1e-12);
    t = ap_axis_ticks((axis){1, 10, true}, 5);
    assert_int_equal(t.count, 4); /* 1, 2, 5, 10 */
    assert_string_equal(t.label[2], "5");
    assert_true(fabs(t.at[2] - log10(5)) < 1e-12);
}

static axis range_of(size_t n, const double *y, chart_scale scale, int marks)
{
    static const double x[8], levels[] = {0.5, 1};
    chart_line line = {.label = "", .style = "", .count = n, .x = x, .y = y};
    chart c = {.lines = &line, .line_count = 1, .scale = scale, .marks = levels, .mark_count = marks};
    return ap_chart_range(&c);
}

static void ranges(void **state)
{
    (void)state;
    axis a = range_of(3, (double[]){NAN, INFINITY, NAN}, CHART_AUTO, 0);
    assert_true(isfinite(a.low) && a.low < a.high);
    a = range_of(3, (double[]){7, NAN, 7}, CHART_AUTO, 0);
    assert_true(a.low < 7 && 7 < a.high && !a.log);
    a = range_of(3, (double[]){0, 0, 0}, CHART_AUTO, 0);
    assert_true(a.low <= 0 && a.high > 0);
    a = range_of(3, (double[]){1, 2, 10}, CHART_AUTO, 0);
    assert_true(a.low == 0 && a.high > 10 && !a.log);
    a = range_of(3, (double[]){90, 95, 100}, CHART_AUTO, 0);
    assert_true(a.low > 85 && a.low < 90);
    a = range_of(4, (double[]){0.01, 0.1, 10, 100}, CHART_AUTO, 0);
    assert_true(a.log && a.low > 0 && a.low <= 0.01 && a.high >= 100);
    a = range_of(4, (double[]){0.01, 0.1, 10, 100}, CHART_LINEAR, 0);
    assert_true(!a.log && a.low == 0);
    a = range_of(4, (double[]){0, 0.1, 10, 100}, CHART_AUTO, 0);
    assert_false(a.log);
    a = range_of(2, (double[]){0.1, 0.2}, CHART_AUTO, 2);
    assert_true(a.low == 0 && a.high > 1);
    a = range_of(2, (double[]){3, 4}, CHART_UNIT, 0);
    assert_true(a.low == 0 && a.high == 1);
}

/* Whether every element that is opened is closed, in the right order, and every attribute is quoted. */
static void check_balance(const char *html)
{
    char open[64][24];
    int depth = 0;
    for (const char *at = strchr(html, '<'); at; at = strchr(at + 1, '<')) {
        char name[24];
        if (at[1] == '!') continue;
        const char *end = strchr(at, '>');
        assert_non_null(end);
        assert_int_equal(sscanf(at + 1, "%23[^ />]", name) == 1 || at[1] == '/', 1);
        if (at[1] == '/') {
            assert_int_equal(sscanf(at + 2, "%23[^ >]", name), 1);
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else if (end[-1] != '/') {
            assert_true(depth < 64);
            strcpy(open[depth++], name);
        }
    }
    assert_int_equal(depth, 0);
}

static char *drawn(const chart *c, void (*draw)(page *, const chart *))
{
    page p;
    size_t length;
    ap_page_open(&p);
    draw(&p, c);
    return ap_page_close(&p, &length);
}

static void gaps_and_marks(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5}, y[] = {1, 2, NAN, 4, INFINITY};
    chart_line line = {.label = "a & <q>", .style = "val", .count = 5, .x = x, .y = y, .points = true};
    chart c = {.title = "<T> & \"U\"",
               .x_name = "epoch",
               .x_low = 0,
               .x_high = 5,
               .lines = &line,
               .line_count = 1,
               .last = true};
    char *svg = drawn(&c, ap_chart_draw);
    check_balance(svg);
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    assert_null(strstr(svg, "<T>"));
    assert_null(strstr(svg, "<q>"));
    assert_int_equal(text_occurrences(svg, "class=\"point val\""), 3);
    /* x runs from 0 to 5 in 10000: the line goes 1 to 2, breaks, and is alone at 4 */
    const char *path = strstr(svg, "<path class=\"val\" d=\"");
    assert_non_null(path);
    double x1, y1, x2, y2, x3, y3;
    int read =
        sscanf(path, "<path class=\"val\" d=\"M%lf %lfL%lf %lfM%lf %lf\"", &x1, &y1, &x2, &y2, &x3, &y3);
    assert_int_equal(read, 6);
    assert_true(x1 == 2000 && x2 == 4000 && x3 == 8000);
    assert_true(y1 > y2 && y2 > y3); /* larger is higher */
    free(svg);
}

static void a_stack_fills_its_range(void **state)
{
    (void)state;
    const double x[] = {0, 1}, low[] = {0.25, 0.5}, high[] = {0.75, 0.5};
    const chart_line lines[] = {{.label = "low", .style = "input", .count = 2, .x = x, .y = low},
                                {.label = "high", .style = "target", .count = 2, .x = x, .y = high}};
    chart c = {
        .title = "T", .x_name = "epoch", .x_high = 1, .scale = CHART_UNIT, .lines = lines, .line_count = 2};
    char *svg = drawn(&c, ap_chart_stack);
    check_balance(svg);
    assert_non_null(strstr(svg, "d=\"M0 7500L10000 5000L10000 10000L0 10000Z\""));
    assert_non_null(strstr(svg, "d=\"M0 0L10000 0L10000 5000L0 7500Z\""));
    free(svg);
}

/* Each lane has a height of its own, whatever its values: a quiet line can be compared with a loud one. */
static void lanes_are_scaled_apart(void **state)
{
    (void)state;
    const double x[] = {0, 1}, loud[] = {100, 50}, quiet[] = {0.001, 0.002}, silent[] = {0, 0};
    const chart_line lines[] = {{.label = "loud", .style = "input", .count = 2, .x = x, .y = loud},
                                {.label = "quiet", .style = "target", .count = 2, .x = x, .y = quiet},
                                {.label = "silent", .style = "output", .count = 2, .x = x, .y = silent}};
    chart c = {.title = "T", .x_name = "seconds", .x_high = 1, .lines = lines, .line_count = 3};
    char *svg = drawn(&c, ap_chart_lanes);
    check_balance(svg);
    /* a third of 10000 each; the largest value takes nine tenths of that */
    assert_non_null(strstr(svg, "d=\"M0 3333L0 333L10000 1833L10000 3333Z\""));
    assert_non_null(strstr(svg, "d=\"M0 6667L0 5167L10000 3667L10000 6667Z\""));
    assert_non_null(strstr(svg, "d=\"M0 10000L0 10000L10000 10000L10000 10000Z\""));
    free(svg);
}

static void correlation_in_words(void **state)
{
    (void)state;
    assert_string_equal(ap_report_follows(0.12), "no");
    assert_string_equal(ap_report_follows(-0.39), "no");
    assert_string_equal(ap_report_follows(0.41), "somewhat");
    assert_string_equal(ap_report_follows(0.7), "yes");
    assert_string_equal(ap_report_follows(1), "a copy");
    assert_string_equal(ap_report_follows(-0.7), "the opposite");
    assert_string_equal(ap_report_follows(NAN), "no");
}

/* ---------------------------------------------------------------- pictures and sound */

enum { RATE = 24000, SAMPLES = RATE };

static ap_real *tone(double hertz, double amplitude)
{
    ap_real *x = malloc(SAMPLES * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < SAMPLES; i++) x[i] = (ap_real)(amplitude * sin(2 * M_PI * hertz * i / RATE));
    return x;
}

/* The grey values of a picture, which the caller frees. */
static unsigned char *decoded(const ap_real *x, png_image *image)
{
    size_t length;
    ap_arena *arena = ap_arena_create();
    void *file = ap_picture_spectrogram(arena, RATE, SAMPLES, x, &length);
    *image = (png_image){.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(image, file, length));
    image->format = PNG_FORMAT_GRAY;
    unsigned char *grey = malloc(PNG_IMAGE_SIZE(*image));
    assert_true(png_image_finish_read(image, NULL, grey, 0, NULL));
    free(file);
    ap_arena_free(arena);
    return grey;
}

static void a_tone_is_a_line(void **state)
{
    (void)state;
    const double hertz = 1000;
    png_image image;
    ap_real *x = tone(hertz, 0.5);
    unsigned char *grey = decoded(x, &image);
    assert_int_equal(image.height, AP_MEL_BANDS);
    int column = (int)image.width / 2, brightest = 0;
    for (int row = 0; row < AP_MEL_BANDS; row++)
        if (grey[row * (int)image.width + column] > grey[brightest * (int)image.width + column])
            brightest = row;
    double place = 1 - (brightest + 0.5) / AP_MEL_BANDS;
    double want = ap_mel_from_hertz(hertz) / ap_mel_from_hertz(ap_picture_top(RATE));
    assert_true(fabs(place - want) < 1.5 / AP_MEL_BANDS);
    assert_true(grey[brightest * (int)image.width + column] > 240); /* as bright as can be */
    assert_true(grey[column] < 64);                                 /* 12 kHz */
    assert_true(ap_picture_top(RATE) == 12000);
    assert_true(ap_picture_top(44100) == 16000);
    free(grey);
    free(x);

    x = tone(hertz, 0);
    grey = decoded(x, &image);
    for (size_t i = 0; i < (size_t)image.width * image.height; i++) assert_int_equal(grey[i], 0);
    free(grey);
    free(x);
}

static void flac_is_lossless(void **state)
{
    ap_real *x = tone(440, 0.7);
    for (int i = 0; i < SAMPLES; i++) x[i] = (ap_real)(lrint((double)x[i] * 32768) / 32768.0);
    void *bytes;
    size_t length;
    ap_audio back, audio = {x, SAMPLES, RATE, 1};
    ap_status status = ap_audio_to_flac(&audio, &bytes, &length);
    assert_string_equal(status.message, "");
    assert_true(length < SAMPLES * sizeof(int16_t));
    status = ap_replace_file(folder_path(state, "tone.flac"), bytes, length);
    assert_string_equal(status.message, "");
    status = ap_audio_read(folder_path(state, "tone.flac"), 0, &back);
    assert_string_equal(status.message, "");
    assert_int_equal(back.count, SAMPLES);
    assert_int_equal(back.rate, RATE);
    assert_memory_equal(back.samples, x, SAMPLES * sizeof *x);
    ap_audio_free(&back);
    free(bytes);

    x[5] = (ap_real)NAN;
    status = ap_audio_to_flac(&audio, &bytes, &length);
    assert_non_null(strstr(status.message, "sample 5"));
    assert_null(bytes);
    free(x);
}

/* ---------------------------------------------------------------- a page */

static void a_page_of_hostile_content(void **state)
{
    text_write(
        folder_path(state, "config.json"),
        "{\"data\": {\"path\": \"</pre><script>alert(1)</script>\"}, \"loss\": {\"corr_weight\": 0.5}}");
    text_write(folder_path(state, "log.jsonl"), "{\"step\": 1, \"epoch\": 1, \"time\": 1, \"<img src=x>\": "
                                                "1, \"val_loss\": null, \"epoch_seconds\": 1}\n"
                                                "{\"step\": 2, \"epo");
    text_write(folder_path(state, "evaluation.json"),
               "{\"items\": [\"a\"], \"systems\": [{\"name\": \"<b>\", \"summary\": {\"cost\": {\"mean\": "
               "null}}}]}");
    ap_status status = ap_report_write(*state, NULL, 8);
    assert_string_equal(status.message, "");
    char *html = text_read(folder_path(state, "report.html"));
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<img"));
    assert_null(strstr(html, "<b><"));
    assert_null(strstr(html, "nan"));
    assert_non_null(strstr(html, "&lt;script&gt;alert(1)"));
    assert_non_null(strstr(html, "Damaged lines of the log that are left out: 1."));
    check_balance(strstr(html, "<html"));
    free(html);
}

/* Every fifth batch has an answer: its loss is another one, and makes no comb of the curve. */
static void batches_with_an_answer_are_drawn_apart(void **state)
{
    char *log = ap_copy_text("");
    for (int step = 1; step <= 200; step++) {
        const double loss = step % 2 ? 60 : 40; /* it jumps, and its course is 50 */
        char *line = step % 5 == 0
                         ? ap_format_text("%s{\"step\": %d, \"train_loss\": 2.5, \"train_loss_answer\": 2.5, "
                                          "\"train_answer_loss\": 2.5}\n",
                                          log, step)
                         : ap_format_text("%s{\"step\": %d, \"train_loss\": %g, \"train_loss_answer\": 0}\n",
                                          log, step, loss);
        free(log);
        log = line;
    }
    text_write(folder_path(state, "log.jsonl"), log);
    free(log);
    ap_status status = ap_report_write(*state, NULL, 8);
    assert_string_equal(status.message, "");
    char *html = text_read(folder_path(state, "report.html")),
         *words = strstr(html, "\"Loss by step. training: from");
    double from, to, low, high;
    assert_non_null(words);
    assert_int_equal(sscanf(words, "\"Loss by step. training: from %lf to %lf, between %lf and %lf.", &from,
                            &to, &low, &high),
                     4);
    assert_true(low > 45 && high < 55);
    assert_non_null(strstr(html, "<path class=\"train faint\" d=\"M"));
    assert_non_null(strstr(html, "<path class=\"train course\" d=\"M"));
    assert_non_null(strstr(html, "are drawn there: Distance to the answer."));
    assert_non_null(
        strstr(html, "\"Distance to the answer by step. training: from 2.5 to 2.5, between 2.5 and 2.5."));
    assert_null(strstr(html, "(null)"));
    check_balance(strstr(html, "<html"));
    free(html);
}

static void what_is_all_of_a_step_is_left_out(void **state)
{
    (void)state;
    double steps[] = {1, 2, 3, 4}, loss[] = {5, 2, 7, 2}, at[] = {2, 3, 5}, answer[] = {2, 1, 9};
    const series s = {.count = 4, .step = steps, .value = loss},
                 part = {.count = 3, .step = at, .value = answer};
    series rest = ap_series_without(&s, &part); /* step 3 has more than its answer, step 4 none */
    assert_int_equal(rest.count, 3);
    assert_true(rest.step[0] == 1 && rest.step[1] == 3 && rest.step[2] == 4);
    assert_true(rest.value[0] == 5 && rest.value[1] == 7 && rest.value[2] == 2);
    free(rest.step);
    free(rest.value);
    rest = ap_series_without(&s, NULL);
    assert_int_equal(rest.count, 4);
    free(rest.step);
    free(rest.value);
}

/* What no writer of ours puts there, the page leaves out. */
static void a_page_of_numbers_without_bounds(void **state)
{
    text_write(folder_path(state, "log.jsonl"),
               "{\"step\": 1, \"epoch\": 1, \"time\": 1e17, \"val_loss\": 1, \"epoch_seconds\": 1e300}\n"
               "{\"step\": 2, \"epoch\": 1e-300, \"time\": 1e300, \"val_loss\": 1.0000000000000002, "
               "\"epoch_seconds\": 1e308}\n");
    text_write(folder_path(state, "evaluation.json"),
               "{\"items\": [\"a\"], \"systems\": [{\"name\": \"b\", \"summary\": {\"cost\": {\"mean\": 1, "
               "\"low\": 0, \"high\": 2, \"count\": 1e300}}}]}");
    ap_status status = ap_report_write(*state, NULL, 8);
    assert_string_equal(status.message, "");
    char *html = text_read(folder_path(state, "report.html"));
    assert_null(strstr(html, "<dt>Trained</dt>"));
    assert_non_null(strstr(html, "<dt>Time in training</dt>\n<dd>–"));
    assert_null(strstr(html, "9223372036854775807"));
    check_balance(strstr(html, "<html"));
    free(html);
}

static void no_run_is_refused(void **state)
{
    ap_status status = ap_report_write(*state, NULL, 8);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "not a run"));
    assert_int_equal(folder_count(state), 0);
    status = ap_report_write(folder_path(state, "nowhere"), NULL, 8);
    assert_int_equal(status.code, AP_FAILED);
    text_write(folder_path(state, "file"), "x");
    status = ap_report_write(folder_path(state, "file"), NULL, 8);
    assert_non_null(strstr(status.message, "is not a folder"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(data_is_base64),
        cmocka_unit_test(numbers),
        cmocka_unit_test_setup_teardown(a_log_is_read, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(torn_lines_are_left_out, folder_create, folder_remove),
        cmocka_unit_test(long_series_are_thinned),
        cmocka_unit_test(what_is_all_of_a_step_is_left_out),
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(ranges),
        cmocka_unit_test(gaps_and_marks),
        cmocka_unit_test(a_stack_fills_its_range),
        cmocka_unit_test(lanes_are_scaled_apart),
        cmocka_unit_test(correlation_in_words),
        cmocka_unit_test(a_tone_is_a_line),
        cmocka_unit_test_setup_teardown(flac_is_lossless, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_page_of_hostile_content, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(batches_with_an_answer_are_drawn_apart, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_page_of_numbers_without_bounds, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(no_run_is_refused, folder_create, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
