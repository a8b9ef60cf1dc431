/* antiphon codec: recordings to latents and back, and what is lost on the way. */
#include "antiphon/audio.h"
#include "antiphon/safetensors.h"
#include "audio/sound_name.h"
#include "base/bounds.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/text.h"
#include "cli/codec_source.h"
#include "cli/verbs.h"
#include "evaluate/round_trip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FORMAT "antiphon-latents-1"
/* A recording goes through the network as a whole. */
#define SECONDS_MOST 300
#define RATE_LEAST 8000
#define RATE_MOST 192000
#define CHANNELS_MOST 64

/* The codec in use, and a tape for it. */
typedef struct bench {
    ap_config config;
    ap_model *model;
    ap_codec *codec;
    ap_tape *tape;
    int rate, channels; /* 0: the file's own */
} bench;

/* Whether the codec encodes the channels of a recording jointly. */
static bool joint(const bench *b)
{
    return ap_codec_channels(b->codec) > 1;
}

static ap_status read_audio(const bench *b, const char *path, ap_audio *audio)
{
    AP_TRY(ap_audio_read_channels(path, b->rate, b->channels, audio));
    if (audio->count <= (int64_t)SECONDS_MOST * audio->rate) return ap_ok();
    double seconds = (double)audio->count / audio->rate;
    ap_audio_free(audio);
    return ap_error(AP_FAILED, "%s: lasts %.0f s, and at most %d s are taken", path, seconds, SECONDS_MOST);
}

static void begin(const bench *b)
{
    ap_tape_reset(b->tape);
    ap_tape_training_set(b->tape, false);
    ap_tape_gradients_set(b->tape, false);
}

/* Each channel by itself, latents [channels, D, T], or jointly, [1, D, T]. *scale: NULL if the codec does not
 * normalise. */
static ap_var *encode(const bench *b, ap_audio *audio, ap_var **scale)
{
    begin(b);
    int64_t items = joint(b) ? 1 : audio->channels;
    ap_tensor x = {AP_SHAPE(items, audio->channels / items, audio->count), audio->samples};
    return ap_codec_encode_scaled(b->tape, b->codec, ap_tape_constant(b->tape, x), scale);
}

static ap_status check_not_source(const char *out, const char *source)
{
    struct stat x, y;
    bool same = stat(out, &x) == 0 && stat(source, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    return same ? ap_error(AP_MISUSE, "--out %s: is what is read", out) : ap_ok();
}

/* ---------------------------------------------------------------- encode */

/* Latents may take the place of latents, and of nothing else. */
static ap_status check_latents_out(const char *out)
{
    struct stat at;
    if (!out) return ap_error(AP_MISUSE, "--out is missing");
    if (!ap_text_ends_in(out, strlen(out), ".safetensors"))
        return ap_error(AP_MISUSE, "--out %s: latents are written, to a name that ends in .safetensors", out);
    if (stat(out, &at) != 0 || at.st_size == 0) return ap_ok();
    ap_safetensors *file;
    ap_status status = ap_safetensors_open(out, &file);
    bool latents = false;
    if (!ap_failed(&status)) {
        const char *format = ap_safetensors_metadata(file, "format");
        latents = format && strcmp(format, FORMAT) == 0;
        ap_safetensors_close(file);
    }
    return latents ? ap_ok() : ap_error(AP_MISUSE, "--out %s: holds something other than latents", out);
}

static ap_status write_latents(const bench *b, const char *out, ap_audio *audio)
{
    ap_var *scale, *z = encode(b, audio, &scale);
    char *codec = codec_source_describe(&b->config), *count = ap_format_text("%" PRId64, audio->count),
         *rate = ap_format_text("%d", audio->rate);
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_metadata(writer, "format", FORMAT);
    ap_safetensors_writer_metadata(writer, "codec", codec);
    ap_safetensors_writer_metadata(writer, "samples", count);
    ap_safetensors_writer_metadata(writer, "sample_rate", rate);
    ap_safetensors_writer_add(writer, "latents", z->value);
    if (scale) ap_safetensors_writer_add(writer, "scales", scale->value);
    ap_status status = ap_safetensors_writer_save(writer, out);
    ap_safetensors_writer_free(writer);
    if (!ap_failed(&status))
        ap_text_print(stdout, "%s: latents %s of %.1f s, %s\n", out, ap_shape_print(z->value.shape).text,
                      (double)audio->count / audio->rate, codec);
    free(codec);
    free(count);
    free(rate);
    return status;
}

static ap_status run_encode(const bench *b, const char *source, const char *out)
{
    ap_audio audio;
    AP_TRY(check_latents_out(out));
    AP_TRY(read_audio(b, source, &audio));
    ap_status status = write_latents(b, out, &audio);
    ap_audio_free(&audio);
    return status;
}

/* ---------------------------------------------------------------- decode */

/* What the latents say of themselves: the length, the rate and the channels of `audio`. */
static ap_status read_latents(const bench *b, const char *path, const ap_safetensors *file, ap_audio *audio)
{
    const char *format = ap_safetensors_metadata(file, "format"),
               *codec = ap_safetensors_metadata(file, "codec"),
               *count = ap_safetensors_metadata(file, "samples"),
               *rate = ap_safetensors_metadata(file, "sample_rate");
    double number = 0, hertz = AP_SAMPLE_RATE;
    if (!format || strcmp(format, FORMAT) != 0 || !codec || !count)
        return ap_error(AP_FAILED, "%s: holds no latents of antiphon codec encode", path);
    if (rate && (!ap_text_to_number(rate, &hertz) || !(hertz >= RATE_LEAST && hertz <= RATE_MOST)))
        return ap_error(AP_FAILED, "%s: the metadata's \"sample_rate\" is %s", path, rate);
    if (!ap_text_to_number(count, &number) || !(number >= 1 && number <= SECONDS_MOST * hertz))
        return ap_error(AP_FAILED, "%s: the metadata's \"samples\" is %s", path, count);
    char *ours = codec_source_describe(&b->config);
    bool fits = strcmp(codec, ours) == 0;
    ap_status status =
        fits ? ap_ok()
             : ap_error(AP_FAILED, "%s: latents of another codec: %s, not %s (--codec)", path, codec, ours);
    free(ours);
    long at = ap_safetensors_find(file, "latents");
    ap_shape shape = at < 0 ? (ap_shape){.rank = 0} : ap_safetensors_shape(file, (size_t)at);
    *audio =
        (ap_audio){.count = (int64_t)number, .rate = (int)hertz, .channels = ap_codec_channels(b->codec)};
    if (!joint(b) && shape.rank == 3 && shape.at[0] >= 1 && shape.at[0] <= CHANNELS_MOST)
        audio->channels = (int)shape.at[0];
    return status;
}

/* A tensor of the file, on the tape. */
static ap_status load(const bench *b, ap_safetensors *file, const char *name, ap_shape shape, ap_var **to)
{
    ap_tensor x = {shape, NULL};
    x.data = ap_arena_alloc(ap_tape_arena(b->tape), (size_t)ap_shape_count(shape) * sizeof *x.data);
    AP_TRY(ap_safetensors_load(file, name, x));
    *to = ap_tape_constant(b->tape, x);
    return ap_ok();
}

static ap_status decode_file(const bench *b, const char *path, ap_safetensors *file, const char *out)
{
    ap_audio audio;
    AP_TRY(read_latents(b, path, file, &audio));
    begin(b);
    int64_t items = joint(b) ? 1 : audio.channels, S = audio.count;
    ap_var *z, *scale = NULL;
    AP_TRY(
        load(b, file, "latents", AP_SHAPE(items, ap_codec_dim(b->codec), ap_codec_frames(b->codec, S)), &z));
    if (b->config.codec.normalize)
        AP_TRY(load(b, file, "scales", AP_SHAPE(ap_codec_segments(b->codec, S) * items), &scale));
    ap_var *y = ap_codec_decode_scaled(b->tape, b->codec, z, scale, S);
    audio.samples = y->value.data;
    AP_TRY(ap_audio_write(out, &audio));
    ap_text_print(stdout, "%s: %.1f s\n", out, (double)audio.count / audio.rate);
    return ap_ok();
}

static ap_status check_sound_out(const char *out)
{
    return out ? ap_sound_name_check("out", out) : ap_error(AP_MISUSE, "--out is missing");
}

static ap_status run_decode(const bench *b, const char *source, const char *out)
{
    ap_safetensors *file;
    AP_TRY(check_sound_out(out));
    AP_TRY(ap_safetensors_open(source, &file));
    ap_status status = decode_file(b, source, file, out);
    ap_safetensors_close(file);
    return status;
}

/* ---------------------------------------------------------------- round trip */

static ap_status go_round(const bench *b, ap_audio *audio, ap_round_trip *trip, const char *out)
{
    ap_var *scale, *z = encode(b, audio, &scale);
    ap_var *y = ap_codec_decode_scaled(b->tape, b->codec, z, scale, audio->count);
    int items = joint(b) ? 1 : audio->channels, channels = audio->channels / items;
    int64_t S = audio->count, count = ap_var_count(z) / items;
    for (int i = 0; i < items; i++)
        ap_round_trip_add(trip, audio->rate, channels, S, audio->samples + i * S, count,
                          z->value.data + i * count, y->value.data + i * S);
    ap_audio back = *audio;
    back.samples = y->value.data;
    return out ? ap_audio_write(out, &back) : ap_ok();
}

/* The recording, and silence of its length, from which a codec that hears tells it. */
static ap_status take_round(const bench *b, const char *path, ap_round_trip *trip, const char *out)
{
    ap_audio audio;
    AP_TRY(read_audio(b, path, &audio));
    ap_status status = go_round(b, &audio, trip, out);
    memset(audio.samples, 0, (size_t)(audio.count * audio.channels) * sizeof *audio.samples);
    if (!ap_failed(&status)) status = go_round(b, &audio, trip, NULL);
    ap_audio_free(&audio);
    return status;
}

static ap_status tell_round(const bench *b, ap_round_trip *trip, bool json)
{
    char *codec = codec_source_describe(&b->config);
    const char *deaf = ap_round_trip_deaf(trip);
    if (json) {
        cJSON *object = ap_json_made(cJSON_CreateObject());
        ap_json_add_text(object, "description", codec);
        ap_round_trip_add_json(trip, object);
        char *text = cJSON_Print(object);
        if (!text) ap_fatal("out of memory: the measures of a round trip");
        puts(text);
        cJSON_free(text);
        cJSON_Delete(object);
    } else {
        printf("codec: %s\n", codec);
        if (!ap_round_trip_print(trip, stdout)) puts("nothing sounds: there is nothing to measure");
    }
    if (deaf) ap_text_print(stderr, "antiphon: %s\n", deaf);
    free(codec);
    return ap_ok();
}

static ap_status run_round_trip(const bench *b, const parsed_options *options)
{
    const char *out = option_text(options, "out");
    if (out && options->argument_count > 2)
        return ap_error(AP_MISUSE, "--out: takes the output of one recording, and there are %zu",
                        options->argument_count - 1);
    if (out) AP_TRY(check_sound_out(out));
    int64_t dim = ap_codec_dim(b->codec) / ap_codec_channels(b->codec);
    ap_round_trip *trip = ap_round_trip_create(ap_most(1, dim), ap_codec_hop(b->codec));
    ap_status status = ap_ok();
    for (size_t i = 1; i < options->argument_count && !ap_failed(&status); i++)
        status = take_round(b, options->arguments[i], trip, out);
    if (!ap_failed(&status)) status = tell_round(b, trip, option_flag(options, "json"));
    ap_round_trip_free(trip);
    return status;
}

/* ---------------------------------------------------------------- the verb */

/* A network of which only the configuration is known. */
static bool is_random(const bench *b, const char *codec)
{
    return codec && ap_text_ends_in(codec, strlen(codec), ".json") &&
           b->config.codec.type == AP_CODEC_SEANET && !b->config.codec.weights[0];
}

static ap_status with_codec(const bench *b, const parsed_options *options)
{
    const char *way = options->arguments[0], *source = options->arguments[1],
               *out = option_text(options, "out");
    if (out) AP_TRY(check_not_source(out, source));
    if (is_random(b, option_text(options, "codec")))
        fputs("antiphon: codec.weights is empty: the codec is random\n", stderr);
    if (strcmp(way, "roundtrip") == 0) return run_round_trip(b, options);
    if (options->argument_count > 2)
        return ap_error(AP_MISUSE, "%s takes one file, not %zu", way, options->argument_count - 1);
    return strcmp(way, "encode") == 0 ? run_encode(b, source, out) : run_decode(b, source, out);
}

/* A network is trained at one rate, and of so many channels. */
static ap_status settle(bench *b)
{
    if (!b->rate && b->config.codec.type == AP_CODEC_SEANET) b->rate = b->config.codec.sample_rate;
    int channels = ap_codec_channels(b->codec);
    if (!joint(b)) return ap_ok();
    if (b->channels && b->channels != channels)
        return ap_error(AP_MISUSE, "--channels %d: the codec encodes %d jointly", b->channels, channels);
    b->channels = channels;
    return ap_ok();
}

static ap_status run(const parsed_options *options)
{
    static const char *const ways[] = {"encode", "decode", "roundtrip"};
    bool known = false;
    for (int k = 0; k < 3; k++) known |= strcmp(options->arguments[0], ways[k]) == 0;
    if (!known) return ap_error(AP_MISUSE, "%s: not encode, decode or roundtrip", options->arguments[0]);
    int64_t rate = option_integer(options, "sample_rate");
    if (rate && rate < RATE_LEAST)
        return ap_error(AP_MISUSE, "--sample_rate %d: is below %d", (int)rate, RATE_LEAST);
    bench b;
    AP_TRY(codec_source_load(option_text(options, "codec"), &b.config, &b.model));
    b.codec = ap_model_codec(b.model);
    b.rate = (int)rate;
    b.channels = (int)option_integer(options, "channels");
    b.tape = ap_tape_create(0);
    ap_status status = settle(&b);
    if (!ap_failed(&status)) status = with_codec(&b, options);
    ap_tape_free(b.tape);
    ap_model_free(b.model);
    return status;
}

static const verb_option table[] = {
    {.name = "codec",
     .placeholder = "FILE|RUN_DIR",
     .kind = OPTION_TEXT,
     .help =
         "a configuration (.json), a checkpoint, a run's folder or EnCodec's weights (default: mdct of 128 "
         "latents, 16 of them bands)"},
    {.name = "out",
     .placeholder = "FILE",
     .kind = OPTION_TEXT,
     .help = "encode: the latents (.safetensors); decode, roundtrip: the audio (.wav or .flac)"},
    {.name = "sample_rate",
     .placeholder = "HZ",
     .kind = OPTION_INTEGER,
     .fallback = "0",
     .least = 0,
     .most = RATE_MOST,
     .help = "encode, roundtrip: the rate to work at; 0: the recording's own, of a seanet codec.sample_rate"},
    {.name = "channels",
     .placeholder = "N",
     .kind = OPTION_INTEGER,
     .fallback = "0",
     .least = 0,
     .most = 2,
     .help = "encode, roundtrip: 1, the mid; 2, left and right; 0: as the recording, or a stereo codec, has "
             "them"},
    {.name = "json", .kind = OPTION_FLAG, .help = "roundtrip: print a JSON object"},
    {.name = NULL},
};

const verb verb_codec = {
    .name = "codec",
    .summary = "turn recordings into latents and back; measure the loss",
    .arguments = "encode A.wav --out Z.safetensors | decode Z.safetensors --out B.wav | roundtrip A.wav ...",
    .details =
        "encode writes the latents [channels, dim, frames] of a recording, each channel by itself, or "
        "[1, dim, frames] by a stereo codec;\n"
        "decode makes audio of them again, by the same codec.\n"
        "roundtrip does both and measures what is left: SI-SDR, the distances of log-mel spectra (128 bands "
        "to 16 kHz or half the rate, range\n"
        "80 dB) and of STFTs at three resolutions, the cosine of chroma, Pearson's r of the levels every 10 "
        "ms; "
        "beside\n"
        "a lapped transform of as many latents (mdct) and silence. Means over all recordings, in parts of 10 "
        "s.\n"
        "Recordings may be WAV, FLAC, OGG, AIFF or MP3, of at most 5 minutes.",
    .options = table,
    .least_arguments = 2,
    .most_arguments = 1000,
    .run = run,
};
