#include "model/lapped.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "ops/levels.h"

#include <math.h>
#include <stdlib.h>

/* A band is folded from the upper half of the coefficients that are kept: at least two bins. */
#define BINS_LEAST 4

struct ap_lapped {
    ap_lapped_config config;
    int bins;              /* kept */
    ap_mdct *low;          /* of those bins */
    ap_mdct *above;        /* without bands NULL, as the next two: all bins above, as they are synthesised */
    ap_mdct *heard;        /* the same, cosines and sines, as levels hear them */
    ap_mdct *source;       /* the sines of the bins that are folded; NULL if the latents have them */
    ap_band_map map;       /* in rows of `above` */
    ap_band_map heard_map; /* in rows of `heard`; of no sources */
};

static int bins_of(const ap_lapped_config *config)
{
    int rows = config->dim - config->bands;
    return config->complex ? rows / 2 : rows;
}

const char *ap_lapped_fault(const ap_lapped_config *config)
{
    int bins = bins_of(config);
    if (config->complex && (config->dim - config->bands) % 2)
        return "leave an odd number of coefficients, and mclt has two for each bin";
    if (bins > config->hop) return "leave more coefficients than a frame has";
    if (config->bands == 0) return bins < 1 ? "leave no coefficients" : NULL;
    if (bins < BINS_LEAST) return "leave fewer than 4 bins to fold the bands from";
    return config->bands > config->hop - bins ? "have more bands than there are bins above the coefficients"
                                              : NULL;
}

/* ---------------------------------------------------------------- bands */

/* Bands evenly spaced in log frequency over the bins above, none empty. */
static void place_edges(const ap_lapped *l, int rows_a_bin)
{
    int bands = l->config.bands, bins = l->bins, hop = l->config.hop, at = bins;
    l->map.edges[0] = l->heard_map.edges[0] = 0;
    for (int band = 1; band <= bands; band++) {
        int even = (int)lround(bins * pow((double)hop / bins, (double)band / bands));
        at = (int)ap_least(ap_most(even, at + 1), hop - (bands - band));
        l->map.edges[band] = rows_a_bin * (at - bins);
        l->heard_map.edges[band] = 2 * (at - bins);
    }
}

/* Bin k comes from an even number of bins below, the upper half of those kept being repeated. An even shift
 * turns the phase of a steady tone by as much a frame as its new frequency does, so that it stays a tone. */
static int folded_span(const ap_lapped *l)
{
    return (l->bins / 2) & ~1;
}

static void place_sources(const ap_lapped *l, int rows_a_bin)
{
    int span = folded_span(l);
    for (int k = l->bins; k < l->config.hop; k++) {
        int from = k - (int)ap_divide_up(k - (l->bins - 1), span) * span;
        for (int part = 0; part < rows_a_bin; part++)
            l->map.source[rows_a_bin * (k - l->bins) + part] = rows_a_bin * from + part;
    }
}

static void create_bands(ap_lapped *l)
{
    const bool complex = l->config.complex;
    int hop = l->config.hop, above = hop - l->bins, rows_a_bin = complex ? 2 : 1;
    ap_real gain = l->config.gain;
    ap_mdct_bins upper = {l->bins, above, complex ? AP_MDCT_BOTH : AP_MDCT_COSINES};
    l->above = ap_mdct_create_bins(upper, hop, gain);
    /* a cosine, as coefficients of mdct have it, without the divisor of both */
    ap_mdct_bins both = {l->bins, above, AP_MDCT_BOTH};
    l->heard = ap_mdct_create_bins(both, hop, complex ? gain : (ap_real)(sqrt(2) * (double)gain));
    int span = folded_span(l);
    if (!complex)
        l->source = ap_mdct_create_bins((ap_mdct_bins){l->bins - span, span, AP_MDCT_SINES}, hop, gain);
    l->map.bands = l->heard_map.bands = l->config.bands;
    l->heard_map.edges = ap_allocate((size_t)l->config.bands + 1, sizeof *l->heard_map.edges);
    l->map.edges = ap_allocate((size_t)l->config.bands + 1, sizeof *l->map.edges);
    l->map.source = ap_allocate((size_t)(rows_a_bin * above), sizeof *l->map.source);
    place_edges(l, rows_a_bin);
    place_sources(l, rows_a_bin);
}

ap_lapped *ap_lapped_create(const ap_lapped_config *config)
{
    const char *fault = ap_lapped_fault(config);
    if (fault) ap_fatal("lapped transform: %d latents with %d bands %s", config->dim, config->bands, fault);
    ap_lapped *l = ap_allocate(1, sizeof *l);
    *l = (ap_lapped){.config = *config, .bins = bins_of(config)};
    ap_mdct_bins low = {0, l->bins, config->complex ? AP_MDCT_BOTH : AP_MDCT_COSINES};
    l->low = ap_mdct_create_bins(low, config->hop, config->gain);
    if (config->bands) create_bands(l);
    return l;
}

void ap_lapped_free(ap_lapped *l)
{
    if (!l) return;
    ap_mdct_free(l->low);
    ap_mdct_free(l->above);
    ap_mdct_free(l->heard);
    ap_mdct_free(l->source);
    free(l->heard_map.edges);
    free(l->map.edges);
    free(l->map.source);
    free(l);
}

/* ---------------------------------------------------------------- the way through */

int64_t ap_lapped_frames(const ap_lapped *l, int64_t S)
{
    return ap_mdct_frames(l->low, S);
}

ap_var *ap_lapped_encode(ap_tape *tape, const ap_lapped *l, ap_var *x)
{
    if (!l->config.bands) return ap_mdct_encode(tape, l->low, x);
    ap_tape_enter(tape);
    ap_var *low = ap_mdct_encode(tape, l->low, x);
    ap_var *levels = ap_band_levels(tape, &l->heard_map, ap_mdct_encode(tape, l->heard, x));
    return ap_tape_leave(tape, ap_concat(tape, 1, 2, (ap_var *[]){low, levels}));
}

ap_var *ap_lapped_decode(ap_tape *tape, const ap_lapped *l, ap_var *z, int64_t S)
{
    if (!l->config.bands) return ap_mdct_decode(tape, l->low, z, S);
    int64_t rows = l->config.dim - l->config.bands;
    ap_tape_enter(tape);
    ap_var *coefficients = ap_slice(tape, z, 1, 0, rows);
    ap_var *levels = ap_slice(tape, z, 1, rows, l->config.bands);
    ap_var *low = ap_mdct_decode(tape, l->low, coefficients, S);
    ap_var *sines = l->source ? ap_mdct_encode(tape, l->source, low) : NULL;
    ap_var *rest = ap_band_fold(tape, &l->map, coefficients, sines, levels);
    return ap_tape_leave(tape, ap_add(tape, low, ap_mdct_decode(tape, l->above, rest, S)));
}
