/* antiphon bench: where the time of a training step goes, compared with what the machine can do. */
#include "train/bench.h"

#include "antiphon/audio.h"
#include "antiphon/ranks.h"
#include "base/print.h"
#include "base/text.h"
#include "cli/settings.h"
#include "cli/verbs.h"
#include "kernels/kernel.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define GIGA 1e9
#define MEBIBYTE (1024.0 * 1024.0)
/* More steps would measure nothing new. */
#define STEPS_MOST 1000

/* amount / seconds in units of 10^9, and that as a share of the machine's best. Both are 0 if nothing was
 * counted. */
typedef struct pace {
    double rate, share;
} pace;

static pace pace_of(double amount, double seconds, double most)
{
    if (amount == 0 || seconds == 0) return (pace){0};
    return (pace){amount / seconds / GIGA, amount / seconds / most};
}

/* ---------------------------------------------------------------- as text */

static void print_pace(pace p)
{
    if (p.rate == 0)
        printf("  %8s %8s", "-", "-");
    else
        printf("  %8.1f %7.0f%%", p.rate, 100 * p.share);
}

static double step_seconds(const ap_bench *bench)
{
    for (int i = 0; i < bench->count; i++)
        if (bench->phases[i].part == AP_BENCH_WHOLE && strcmp(bench->phases[i].name, "step") == 0)
            return bench->phases[i].seconds;
    return 0;
}

static void print_phase(const ap_bench *bench, const ap_bench_phase *phase)
{
    printf("%-10s%-16s%10.2f %9.2f", ap_bench_part_name(phase->part), phase->name, 1000 * phase->seconds,
           1000 * phase->least);
    if (phase->part == AP_BENCH_ALONE)
        printf(" %6s", "");
    else
        printf(" %5.1f%%", 100 * phase->seconds / step_seconds(bench));
    printf(" %9.2f", phase->flops / GIGA);
    print_pace(pace_of(phase->flops, phase->seconds, bench->peak_rate));
    print_pace(pace_of(phase->bytes, phase->seconds, bench->read_rate));
    printf("\n");
}

static void print_sums(const ap_bench_sums *s)
{
    if (s->ranks == 1) return;
    ap_text_print(
        stdout,
        "\n%d ranks: %.1f MB of gradients each; sums under way %.0f ms, alone they take %.0f ms; backward "
        "hides %.0f %% of them\n",
        s->ranks, s->bytes / 1e6, 1000 * s->under_way, 1000 * s->alone, 100 * (1 - s->waited / s->under_way));
}

static void print_text(const char *name, const ap_bench *bench)
{
    ap_text_print(
        stdout,
        "%s: %" PRId64 " x %.1f s, %d thread%s, %.2f million parameters trained, median of %d step%s\n", name,
        bench->B, (double)bench->S / AP_SAMPLE_RATE, bench->threads, ap_plural(bench->threads),
        (double)bench->parameters / 1e6, bench->steps, ap_plural(bench->steps));
    ap_text_print(stdout,
                  "kernel %s, precision %s; the machine between the steps: multiply-adds %.1f GFLOP/s, "
                  "matrix product %.1f GFLOP/s (%.0f%%), reads %.1f GB/s\n\n",
                  ap_kernel_name(), bench->fast ? "fast" : "float", bench->peak_rate / GIGA,
                  bench->gemm_rate / GIGA, 100 * bench->gemm_rate / bench->peak_rate,
                  bench->read_rate / GIGA);
    printf("%-26s%10s %9s %6s %9s  %8s %8s  %8s %8s\n", "phase", "ms", "least", "step", "GFLOP", "GFLOP/s",
           "of most", "GB/s", "of most");
    for (int i = 0; i < bench->count; i++) print_phase(bench, &bench->phases[i]);
    print_sums(&bench->sums);
    printf("\npeak memory %.0f MiB, of it the tape's arena %.0f MiB, which grew %zu times after the first "
           "step\n",
           (double)bench->peak_memory / MEBIBYTE, (double)bench->arena_held / MEBIBYTE, bench->arena_growths);
}

/* ---------------------------------------------------------------- as JSON */

static void add_pace(cJSON *to, const char *rate, const char *share, pace p)
{
    if (p.rate == 0) return;
    cJSON_AddNumberToObject(to, rate, p.rate);
    cJSON_AddNumberToObject(to, share, p.share);
}

static cJSON *phase_json(const ap_bench *bench, const ap_bench_phase *phase)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "part", ap_bench_part_name(phase->part));
    cJSON_AddStringToObject(json, "name", phase->name);
    cJSON_AddNumberToObject(json, "ms", 1000 * phase->seconds);
    cJSON_AddNumberToObject(json, "ms_least", 1000 * phase->least);
    cJSON_AddNumberToObject(json, "gflop", phase->flops / GIGA);
    add_pace(json, "gflop_per_s", "of_peak", pace_of(phase->flops, phase->seconds, bench->peak_rate));
    add_pace(json, "gb_per_s", "of_reads", pace_of(phase->bytes, phase->seconds, bench->read_rate));
    return json;
}

static ap_status print_json(const char *name, const ap_bench *bench)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "config", name);
    cJSON_AddNumberToObject(json, "batch", (double)bench->B);
    cJSON_AddNumberToObject(json, "seconds", (double)bench->S / AP_SAMPLE_RATE);
    cJSON_AddNumberToObject(json, "threads", bench->threads);
    cJSON_AddNumberToObject(json, "steps", bench->steps);
    cJSON_AddNumberToObject(json, "parameters", (double)bench->parameters);
    cJSON_AddStringToObject(json, "kernel", ap_kernel_name());
    cJSON_AddStringToObject(json, "precision", bench->fast ? "fast" : "float");
    cJSON_AddNumberToObject(json, "machine_gflop_per_s", bench->peak_rate / GIGA);
    cJSON_AddNumberToObject(json, "product_gflop_per_s", bench->gemm_rate / GIGA);
    cJSON_AddNumberToObject(json, "machine_gb_per_s", bench->read_rate / GIGA);
    cJSON_AddNumberToObject(json, "step_ms", 1000 * step_seconds(bench));
    cJSON_AddNumberToObject(json, "peak_memory_bytes", (double)bench->peak_memory);
    cJSON_AddNumberToObject(json, "arena_bytes", (double)bench->arena_held);
    cJSON_AddNumberToObject(json, "arena_growths_after_first_step", (double)bench->arena_growths);
    if (bench->sums.ranks > 1) {
        cJSON_AddNumberToObject(json, "ranks", bench->sums.ranks);
        cJSON_AddNumberToObject(json, "gradient_bytes", bench->sums.bytes);
        cJSON_AddNumberToObject(json, "sums_ms", 1000 * bench->sums.under_way);
        cJSON_AddNumberToObject(json, "sums_waited_ms", 1000 * bench->sums.waited);
        cJSON_AddNumberToObject(json, "sums_alone_ms", 1000 * bench->sums.alone);
    }
    cJSON *phases = cJSON_AddArrayToObject(json, "phases");
    for (int i = 0; i < bench->count; i++) cJSON_AddItemToArray(phases, phase_json(bench, &bench->phases[i]));
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    if (!text) return ap_error(AP_FAILED, "out of memory for the JSON");
    puts(text);
    cJSON_free(text);
    return ap_ok();
}

/* ---------------------------------------------------------------- the verb */

static ap_status run(const parsed_options *options)
{
    const char *path = options->arguments[0];
    ap_config config = ap_config_default();
    ap_bench bench;
    AP_TRY(settings_load(path, false, &config));
    AP_TRY(settings_override(options, &config));
    AP_TRY(ap_ranks_begin());
    ap_status status = ap_bench_run(&config, (int)option_integer(options, "steps"), &bench);
    bool tells = !ap_failed(&status) && ap_ranks_own() == 0; /* for all */
    if (tells && option_flag(options, "json"))
        status = print_json(path, &bench);
    else if (tells)
        print_text(path, &bench);
    return ap_ranks_end(status);
}

static const verb_option table[] = {
    {.name = "steps",
     .placeholder = "N",
     .kind = OPTION_INTEGER,
     .fallback = "5",
     .least = 1,
     .most = STEPS_MOST,
     .help = "number of measured steps, after one step of warm-up"},
    {.name = "json", .kind = OPTION_FLAG, .help = "print a JSON object"},
    {.name = "batch",
     .placeholder = "N",
     .kind = OPTION_TEXT,
     .help = "train.batch_size",
     .alias_of = "train.batch_size"},
    {.name = "seconds",
     .placeholder = "S",
     .kind = OPTION_TEXT,
     .help = "data.seconds",
     .alias_of = "data.seconds"},
    {.name = "threads",
     .placeholder = "N",
     .kind = OPTION_TEXT,
     .help = "train.threads",
     .alias_of = "train.threads"},
    {.name = "section.key",
     .placeholder = "VALUE",
     .kind = OPTION_OVERRIDES,
     .help = "any key of the configuration; given again, the last counts"},
    {.name = NULL},
};

const verb verb_bench = {
    .name = "bench",
    .summary = "where the time of a training step goes",
    .arguments = "CONFIG.json [--steps N] [--json] [--section.key=VALUE ...]",
    .details =
        "Trains on one batch of pairs from the built-in synthesiser, in memory, and prints for each "
        "phase of a step: the\n"
        "median and the shortest time, its share of the step, and two rates over the median: "
        "floating-point operations (a\n"
        "multiplication and an addition are two) and bytes (each input of the phase read once, the "
        "least possible) per\n"
        "second. Next to each rate is its share of the best that this machine did between the steps: "
        "multiplications\n"
        "with additions in registers, by the vectors of the kernel in use on all threads, and reading "
        "from memory. The\n"
        "matrix product at the top is of 2048 x 2048. Above 100 % of the multiply-adds, a phase needs "
        "fewer\n"
        "multiplications than are counted, as Winograd's methods do. Above 100 % of the reading rate, it "
        "found its\n"
        "inputs in the cache.",
    .options = table,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run,
};
