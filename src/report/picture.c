#include "report/picture.h"

#include "antiphon/status.h"
#include "base/memory.h"
#include "listen/banks.h"

#include <math.h>
#include <png.h>

#define WINDOW 2048
/* Columns of a picture, if there are at least as many frames with this hop; a wider hop would skip samples.
 */
#define COLUMNS 400
#define HOP_MOST (WINDOW / 4)
/* If the loudest value is lower, the picture is darker: banks.h gives silence as -100 dB. */
#define LOUDEST_LEAST (-100.0 + PICTURE_DECIBELS)
/* Steps of brightness. */
#define LEVELS 32

/* Green's cubehelix (2011): brightness rises evenly, also for colour-blind readers. */
#define HELIX_START (-0.3)
#define HELIX_TURNS 0.62
#define HELIX_HUE 1.3

static void fill_palette(png_byte palette[3 * LEVELS])
{
    static const double around[3][2] = {{-0.14861, 1.78277}, {-0.29227, -0.90649}, {1.97294, 0}};
    for (int k = 0; k < LEVELS; k++) {
        double light = (double)k / (LEVELS - 1);
        double angle = 2 * M_PI * (HELIX_START / 3 + HELIX_TURNS * light);
        double width = HELIX_HUE * light * (1 - light) / 2;
        for (int c = 0; c < 3; c++) {
            double value = light + width * (around[c][0] * cos(angle) + around[c][1] * sin(angle));
            palette[3 * k + c] = (png_byte)lrint(255 * fmin(fmax(value, 0), 1));
        }
    }
}

/* pixels [AP_MEL_BANDS, columns] from decibels [frames, AP_MEL_BANDS]: the loudest frame of each column. */
static void fill_pixels(int64_t frames, const ap_real *decibels, int columns, png_byte *pixels)
{
    double top = LOUDEST_LEAST;
    for (int64_t i = 0; i < frames * AP_MEL_BANDS; i++) top = fmax(top, (double)decibels[i]);
    for (int column = 0; column < columns; column++) {
        int64_t from = column * frames / columns, to = (column + 1) * frames / columns;
        for (int band = 0; band < AP_MEL_BANDS; band++) {
            double loudest = -INFINITY;
            for (int64_t f = from; f < to; f++)
                loudest = fmax(loudest, (double)decibels[f * AP_MEL_BANDS + band]);
            double light = 1 - fmin((top - loudest) / PICTURE_DECIBELS, 1);
            pixels[(AP_MEL_BANDS - 1 - band) * columns + column] = (png_byte)lrint(light * (LEVELS - 1));
        }
    }
}

static void *encode(int columns, const png_byte *pixels, size_t *length)
{
    png_byte palette[3 * LEVELS];
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)columns,
                       .height = AP_MEL_BANDS,
                       .format = PNG_FORMAT_RGB_COLORMAP,
                       .colormap_entries = LEVELS};
    png_alloc_size_t bytes = 0;
    fill_palette(palette);
    bool sized = png_image_write_to_memory(&image, NULL, &bytes, false, pixels, columns, palette);
    void *file = ap_allocate(bytes, 1);
    if (!sized || !png_image_write_to_memory(&image, file, &bytes, false, pixels, columns, palette))
        ap_fatal("out of memory: a picture: %s", image.message);
    *length = bytes;
    return file;
}

double ap_picture_top(int rate)
{
    return fmin(rate / 2.0, AP_MEL_TOP);
}

void *ap_picture_spectrogram(ap_arena *arena, int rate, int64_t n, const ap_real *x, size_t *length)
{
    int64_t hop = n / COLUMNS < 1 ? 1 : n / COLUMNS > HOP_MOST ? HOP_MOST : n / COLUMNS;
    ap_spectrum spectrum = {.size = WINDOW, .hop = (int)hop, .rate = rate};
    int64_t frames = ap_spectrum_frames(spectrum, n);
    ap_real *decibels = ap_mel_decibels(arena, spectrum, n, x);
    int columns = (int)(frames < COLUMNS ? frames : COLUMNS);
    png_byte *pixels = ap_arena_alloc(arena, (size_t)columns * AP_MEL_BANDS);
    fill_pixels(frames, decibels, columns, pixels);
    return encode(columns, pixels, length);
}
