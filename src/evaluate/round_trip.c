#include "evaluate/round_trip.h"

#include "antiphon/metrics.h"
#include "base/bounds.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PART_SECONDS 10
/* Two signals count as the same if their difference has less than this share of their energy. */
#define SAME 0.01
/* Larger frames are of no use for music, and the transform's table grows with them. */
#define MDCT_HOP_MOST 4096

typedef enum row { ROW_CODEC, ROW_MDCT, ROW_SILENCE, ROW_COUNT } row;

/* Sums over parts, weighted by length. */
typedef struct sums {
    double sum[AP_FIDELITY_COUNT], weight[AP_FIDELITY_COUNT];
} sums;

/* The recording that was added last. */
typedef struct passage {
    int64_t S, count;
    ap_real *x, *z, *y;
} passage;

struct ap_round_trip {
    ap_params *params; /* the transform's: none */
    ap_codec *mdct;    /* NULL: the frames are too long */
    ap_tape *tape;
    sums rows[ROW_COUNT];
    passage before;
    double latents, outputs; /* sums, over neighbours with different inputs, of the difference between their
                                latents and outputs */
    int64_t pairs;           /* number of such neighbours */
    char deaf[160];
};

ap_round_trip *ap_round_trip_create(int64_t dim, int64_t hop)
{
    ap_round_trip *trip = ap_allocate(1, sizeof *trip);
    const ap_codec_config mdct = {
        .type = AP_CODEC_MDCT, .dim = (int)ap_least(dim, hop), .hop = (int)hop, .gain = 1};
    trip->params = ap_params_create();
    trip->tape = ap_tape_create(0);
    if (hop <= MDCT_HOP_MOST) trip->mdct = ap_codec_create(trip->params, &mdct);
    return trip;
}

static void forget_passage(ap_round_trip *trip)
{
    free(trip->before.x);
    free(trip->before.z);
    free(trip->before.y);
    trip->before = (passage){0};
}

void ap_round_trip_free(ap_round_trip *trip)
{
    if (!trip) return;
    forget_passage(trip);
    ap_codec_free(trip->mdct);
    ap_params_free(trip->params);
    ap_tape_free(trip->tape);
    free(trip);
}

void ap_round_trip_restart(ap_round_trip *trip)
{
    forget_passage(trip);
    memset(trip->rows, 0, sizeof trip->rows);
    trip->latents = trip->outputs = 0;
    trip->pairs = 0;
}

/* ---------------------------------------------------------------- measures */

static bool sounds(int64_t n, const ap_real *x)
{
    double square = 0;
    for (int64_t i = 0; i < n; i++) square += (double)x[i] * (double)x[i];
    return square > (double)n * pow(10, AP_SOUNDING_DBFS / 10);
}

static void measure(ap_round_trip *trip, row r, int rate, int64_t n, const ap_real *x, const ap_real *y)
{
    double values[AP_FIDELITY_COUNT];
    ap_fidelity_of(ap_tape_arena(trip->tape), rate, n, x, y, values);
    for (int k = 0; k < AP_FIDELITY_COUNT; k++) {
        if (isnan(values[k])) continue;
        trip->rows[r].sum[k] += (double)n * values[k];
        trip->rows[r].weight[k] += (double)n;
    }
}

static void measure_part(ap_round_trip *trip, int rate, int64_t n, const ap_real *x, const ap_real *y)
{
    if (n < ap_fidelity_least(rate) || !sounds(n, x)) return;
    ap_tape_reset(trip->tape);
    ap_tape_gradients_set(trip->tape, false);
    measure(trip, ROW_CODEC, rate, n, x, y);
    measure(trip, ROW_SILENCE, rate, n, x, ap_arena_zeros(ap_tape_arena(trip->tape), (size_t)n * sizeof *x));
    if (!trip->mdct) return;
    measure(trip, ROW_MDCT, rate, n, x, ap_codec_round_trip(trip->tape, trip->mdct, n, x));
}

/* ---------------------------------------------------------------- whether the codec hears */

/* ||a - b||^2 / (||a||^2 + ||b||^2): about 1 if they have nothing in common */
static double difference(int64_t n, const ap_real *a, const ap_real *b)
{
    double apart = 0, energy = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];
        apart += d * d;
        energy += (double)a[i] * (double)a[i] + (double)b[i] * (double)b[i];
    }
    return energy > 0 ? apart / energy : 0;
}

static ap_real *copy(int64_t n, const ap_real *x)
{
    ap_real *y = ap_allocate((size_t)n, sizeof *y);
    return memcpy(y, x, (size_t)n * sizeof *y);
}

static void compare_with_before(ap_round_trip *trip, int64_t S, const ap_real *x, int64_t count,
                                const ap_real *z, const ap_real *y)
{
    const passage *p = &trip->before;
    if (p->S == S && p->count == count && difference(S, x, p->x) > SAME) {
        trip->latents += difference(count, z, p->z);
        trip->outputs += difference(S, y, p->y);
        trip->pairs++;
    }
    forget_passage(trip);
    trip->before = (passage){S, count, copy(S, x), copy(count, z), copy(S, y)};
}

const char *ap_round_trip_deaf(ap_round_trip *trip)
{
    double latents = trip->latents / (double)trip->pairs, outputs = trip->outputs / (double)trip->pairs;
    if (!trip->pairs || (latents >= SAME && outputs >= SAME)) return NULL;
    bool of_latents = latents < SAME;
    snprintf(trip->deaf, sizeof trip->deaf,
             "the codec ignores its input: its %s of different inputs differ by %.2g of their energy",
             of_latents ? "latents" : "outputs", of_latents ? latents : outputs);
    return trip->deaf;
}

void ap_round_trip_add(ap_round_trip *trip, int rate, int channels, int64_t S, const ap_real *x,
                       int64_t count, const ap_real *z, const ap_real *y)
{
    const int64_t part = (int64_t)PART_SECONDS * rate;
    for (int c = 0; c < channels; c++)
        for (int64_t at = 0; at < S; at += part)
            measure_part(trip, rate, ap_least(part, S - at), x + c * S + at, y + c * S + at);
    compare_with_before(trip, channels * S, x, count, z, y);
}

/* ---------------------------------------------------------------- the outcome */

static const char *const row_names[] = {
    [ROW_CODEC] = "codec", [ROW_MDCT] = "mdct", [ROW_SILENCE] = "silence"};

static double mean(const ap_round_trip *trip, row r, int k)
{
    return trip->rows[r].sum[k] / trip->rows[r].weight[k]; /* NaN if there are none */
}

double ap_round_trip_mean(const ap_round_trip *trip, ap_fidelity_measure measure)
{
    return mean(trip, ROW_CODEC, measure);
}

bool ap_round_trip_print(const ap_round_trip *trip, FILE *out)
{
    if (trip->rows[ROW_CODEC].weight[AP_FIDELITY_MEL] == 0) return false;
    fprintf(out, "  %-10s", "");
    for (int k = 0; k < AP_FIDELITY_COUNT; k++) fprintf(out, " %10s", ap_fidelity_title(k));
    for (int r = 0; r < ROW_COUNT; r++) {
        if (r == ROW_MDCT && !trip->mdct) continue;
        fprintf(out, "\n  %-10s", row_names[r]);
        for (int k = 0; k < AP_FIDELITY_COUNT; k++) {
            double value = mean(trip, r, k);
            if (isnan(value))
                fprintf(out, " %10s", "-");
            else
                fprintf(out, " %10.*f", k <= AP_FIDELITY_MEL ? 1 : 3, value);
        }
    }
    fputc('\n', out);
    return true;
}

void ap_round_trip_add_json(const ap_round_trip *trip, cJSON *object)
{
    for (int r = 0; r < ROW_COUNT; r++) {
        if (r == ROW_MDCT && !trip->mdct) continue;
        cJSON *values = ap_json_add(object, row_names[r], cJSON_CreateObject());
        for (int k = 0; k < AP_FIDELITY_COUNT; k++)
            ap_json_add_number(values, ap_fidelity_name(k), mean(trip, r, k));
    }
}
