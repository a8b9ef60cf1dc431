/* A codec's weights are found under all the names that they are published by. */
#include "assembly/codec_weights.h"

#include "antiphon/codec.h"
#include "antiphon/safetensors.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ap_codec_config SMALL = {.type = AP_CODEC_SEANET,
                                      .dim = 4,
                                      .width = 4,
                                      .ratio_count = 2,
                                      .ratios = {3, 2},
                                      .lstm = 1,
                                      .channels = 1,
                                      .causal = true};
/* as EnCodec's model of 48 kHz */
static const ap_codec_config STEREO = {.type = AP_CODEC_SEANET,
                                       .dim = 4,
                                       .width = 4,
                                       .ratio_count = 2,
                                       .ratios = {3, 2},
                                       .lstm = 1,
                                       .channels = 2,
                                       .norm = AP_CODEC_TIME_GROUP_NORM};

static ap_codec *create(const ap_codec_config *config, uint64_t seed, ap_params **params)
{
    *params = ap_params_create();
    ap_codec *codec = ap_codec_create(*params, config);
    ap_rng rng = ap_rng_init(seed);
    ap_params_build(*params, &rng);
    for (size_t i = 0; i < ap_params_count(*params); i++) { /* those too whose first values are constants */
        ap_tensor value = ap_params_at(*params, i)->value;
        for (int64_t n = 0; n < ap_shape_count(value.shape); n++)
            value.data[n] += (ap_real)ap_rng_uniform(&rng);
    }
    return codec;
}

/* The keys of such a codec. */
static ap_config keys_of(const ap_codec_config *codec, const char *path)
{
    ap_config config = ap_config_default();
    config.codec.channels = codec->channels;
    config.codec.causal = codec->causal;
    config.codec.norm = codec->norm;
    snprintf(config.codec.weights, sizeof config.codec.weights, "%s", path);
    return config;
}

static ap_status load(const char *path, const ap_params *params)
{
    ap_config config = keys_of(&SMALL, path);
    return ap_codec_weights_load(&config, params);
}

/* `name` with `from`, which it ends in, replaced. */
static char *renamed(const char *name, const char *from, const char *to)
{
    size_t length = strlen(name), tail = strlen(from);
    if (length < tail || strcmp(name + length - tail, from) != 0) return ap_copy_text(name);
    return ap_format_text("%.*s%s", (int)(length - tail), name, to);
}

/* As the package encodec names it, whose convolutions stand in two wrappers, norms in one; the transposed
 * ones are layers 3 and 6 of the decoder. */
static char *original_name(const char *name)
{
    bool transposed = strstr(name, "decoder.layers.3.") || strstr(name, "decoder.layers.6.");
    const char *layers = strstr(name, ".layers."), *conv = strstr(name, ".conv."),
               *norm = strstr(name, ".norm.");
    assert_non_null(layers);
    int head = (int)(layers - name);
    const char *inside = layers + strlen(".layers.");
    if (norm)
        return ap_format_text("%.*s.model.%.*s%s%s", head, name, (int)(norm - inside), inside,
                              transposed ? ".convtr" : ".conv", norm);
    if (!conv) return ap_format_text("%.*s.model.%s", head, name, inside);
    return ap_format_text("%.*s.model.%.*s%s%s", head, name, (int)(conv - inside), inside,
                          transposed ? ".convtr.convtr." : ".conv.conv.", conv + strlen(".conv."));
}

static char *name_in_file(const char *prefix, bool newer, const char *name)
{
    char *g = renamed(name, "weight_g", newer ? "parametrizations.weight.original0" : "weight_g");
    char *v = renamed(g, "weight_v", newer ? "parametrizations.weight.original1" : "weight_v");
    char *whole = ap_format_text("%s%s", prefix, v);
    free(g);
    free(v);
    return whole;
}

/* The weights, and a quantiser's beside them that no codec here has. */
static void write_weights(const char *path, const ap_params *params, const char *prefix, bool newer,
                          bool original)
{
    ap_real codebook[2] = {1, 2};
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_add(writer, "quantizer.layers.0.codebook.embed",
                              (ap_tensor){AP_SHAPE(2), codebook});
    ap_safetensors_writer_add(writer, "text_encoder.layers.0.conv.bias", (ap_tensor){AP_SHAPE(2), codebook});
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const char *ours = ap_params_at(params, i)->name;
        char *own = original ? original_name(ours) : ap_copy_text(ours);
        char *name = name_in_file(prefix, newer, own);
        free(own);
        ap_safetensors_writer_add(writer, name, ap_params_at(params, i)->value);
        free(name);
    }
    assert_string_equal(ap_safetensors_writer_save(writer, path).message, "");
    ap_safetensors_writer_free(writer);
}

/* The shapes say which codec it is, under whatever names. */
static void check_described(const char *path, const ap_codec_config *codec)
{
    ap_config config = ap_config_default();
    ap_status status = ap_codec_weights_describe(path, &config);
    if (codec->norm == AP_CODEC_TIME_GROUP_NORM) { /* of such a one, shapes do not say enough */
        if (!strstr(status.message, "has group norm, and shapes do not tell")) fail_msg("%s", status.message);
        return;
    }
    assert_string_equal(status.message, "");
    assert_int_equal(config.codec.type, AP_CODEC_SEANET);
    assert_int_equal(config.codec.dim, SMALL.dim);
    assert_int_equal(config.codec.width, SMALL.width);
    assert_int_equal(config.codec.lstm, SMALL.lstm);
    assert_int_equal(config.codec.ratios.count, SMALL.ratio_count);
    for (int i = 0; i < SMALL.ratio_count; i++) assert_int_equal(config.codec.ratios.at[i], SMALL.ratios[i]);
    assert_string_equal(config.codec.weights, path);
}

static void all_published_names(void **state)
{
    static const struct {
        const char *prefix;
        bool newer, original;
    } cases[] = {{"", false, false},
                 {"", true, false},
                 {"audio_encoder.", false, false},
                 {"model.codec.", true, false},
                 {"", false, true},
                 {"compression_model.", true, true}};
    for (size_t k = 0; k < 2 * sizeof cases / sizeof *cases; k++) {
        const ap_codec_config *config = k % 2 ? &STEREO : &SMALL;
        ap_params *params, *into;
        ap_codec *codec = create(config, 1, &params), *other = create(config, 2, &into);
        const char *path = folder_path(state, "weights.safetensors");
        write_weights(path, params, cases[k / 2].prefix, cases[k / 2].newer, cases[k / 2].original);
        ap_config keys = keys_of(config, path);
        assert_string_equal(ap_codec_weights_load(&keys, into).message, "");
        check_described(path, config);
        for (size_t i = 0; i < ap_params_count(into); i++) {
            ap_tensor got = ap_params_at(into, i)->value, want = ap_params_at(params, i)->value;
            for (int64_t n = 0; n < ap_shape_count(got.shape); n++) /* files hold float */
                assert_true(got.data[n] == (ap_real)(float)want.data[n]);
        }
        ap_codec_free(codec);
        ap_codec_free(other);
        ap_params_free(params);
        ap_params_free(into);
    }
}

static void what_is_missing_is_named(void **state)
{
    const char *path = folder_path(state, "weights.safetensors");
    ap_real number = 1;
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_add(writer, "audio_encoder.encoder.layers.0.conv.bias",
                              (ap_tensor){AP_SHAPE(1), &number});
    assert_string_equal(ap_safetensors_writer_save(writer, path).message, "");
    ap_safetensors_writer_free(writer);
    ap_params *params;
    ap_codec *codec = create(&SMALL, 1, &params);
    ap_status status = load(path, params);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, path));
    assert_non_null(strstr(status.message, "audio_encoder.encoder.layers.0.conv."));
    status = load(folder_path(state, "none.safetensors"), params);
    assert_non_null(strstr(status.message, "none.safetensors"));
    ap_codec_free(codec);
    ap_params_free(params);
}

static void check_refused(const char *path, const ap_params *params, const char *reason)
{
    ap_status status = load(path, params);
    assert_int_equal(status.code, AP_FAILED);
    if (!strstr(status.message, path) || !strstr(status.message, reason)) fail_msg("%s", status.message);
}

/* Padding is no weight: only what stands beside the file tells that the same shapes are to be padded
 * otherwise. */
static void a_configuration_beside_the_weights_is_heard(void **state)
{
    static const struct {
        const char *config, *reason; /* NULL: they load */
    } cases[] = {
        {"{\"use_causal_conv\": true, \"norm_type\": \"weight_norm\", \"sampling_rate\": 24000}", NULL},
        {"{\"use_causal_conv\": false}", "codec.causal = false; the configuration has true"},
        {"{\"audio_encoder\": {\"use_causal_conv\": false, \"sampling_rate\": 32000}}",
         "codec.sample_rate = 32000; the configuration has 24000"},
        {"{\"use_causal_conv\": true, \"normalize\": true, \"chunk_length_s\": null}",
         "codec.normalize = true; the configuration has false"},
        {"{\"use_causal_conv\": true, \"chunk_length_s\": 1.0}", "codec.segment = 1; "},
        {"{\"use_causal_conv\": true, \"norm_type\": \"time_group_norm\"}", "its norm_type differs"},
        {"{\"use_causal_conv\": true, \"audio_channels\": 2}", "its audio_channels differs"},
        {"{\"use_causal_conv\": true, \"audio_channels\": 6}", "audio_channels: 6: "},
        {"{\"use_causal_conv\": true, \"overlap\": 0.75}", "overlap: 0.75: "},
        {"{\"use_causal_conv\": true, \"overlap\": [1]}", "overlap: [1]: "},
        {"{\"use_causal_conv\": true, \"pad_mode\": \"constant\"}", "pad_mode: constant"},
        {"{\"use_causal_conv\": true, \"use_conv_shortcut\": false}", "use_conv_shortcut: false"},
        {"{\"data\": {\"path\": \"x\"}}", NULL},
        {"no JSON", NULL},
    };
    ap_params *params;
    ap_codec *codec = create(&SMALL, 1, &params);
    char *path = ap_copy_text(folder_path(state, "weights.safetensors"));
    write_weights(path, params, "", false, false);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *text = cases[k].config;
        assert_int_equal(ap_replace_file(folder_path(state, "config.json"), text, strlen(text)).code, AP_OK);
        if (cases[k].reason)
            check_refused(path, params, cases[k].reason);
        else
            assert_string_equal(load(path, params).message, "");
    }
    free(path);
    ap_codec_free(codec);
    ap_params_free(params);
}

/* MusicGen's codec by its shapes alone: weights of these would load, and be padded wrongly. */
static void shapes_tell_the_model_of_32_khz(void **state)
{
    static const ap_codec_config musicgens = {.type = AP_CODEC_SEANET,
                                              .dim = 128,
                                              .width = 64,
                                              .ratio_count = 4,
                                              .ratios = {8, 5, 4, 4},
                                              .lstm = 1,
                                              .channels = 1,
                                              .causal = true};
    ap_params *params = ap_params_create();
    ap_codec *codec = ap_codec_create(params, &musicgens);
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_rng rng = ap_rng_init(1);
    ap_params_build(params, &rng);
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *p = ap_params_at(params, i);
        if (strstr(p->name, "lstm")) continue;
        if (strstr(p->name, "encoder.layers.0.") || strstr(p->name, "decoder.layers.") == p->name ||
            strstr(p->name, "shortcut"))
            ap_safetensors_writer_add(writer, p->name, p->value);
    }
    const char *path = folder_path(state, "weights.safetensors");
    assert_string_equal(ap_safetensors_writer_save(writer, path).message, "");
    check_refused(path, params, "shapes are those of MusicGen's of 32 kHz");
    ap_safetensors_writer_free(writer);
    ap_codec_free(codec);
    ap_params_free(params);
}

static void shapes_tell_what_does_not_fit(void **state)
{
    static const struct {
        const char *name, *reason;
        int64_t shape[3];
    } cases[] = {
        {"encoder.layers.0.norm.weight",
         "codec.norm = time_group_norm; the configuration has weight_norm",
         {1, 1, 2}},
        {"encoder.layers.0.conv.weight_v", "codec.channels = 2; the configuration has 1", {4, 2, 7}},
        {"encoder.layers.0.conv.weight_v", "more than two channels", {4, 3, 7}},
        {"encoder.layers.1.block.1.conv.bias", "no convolutions as shortcuts", {1, 1, 2}},
    };
    ap_params *params;
    ap_codec *codec = create(&SMALL, 1, &params);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ap_real numbers[84] = {1};
        const int64_t *n = cases[k].shape;
        ap_safetensors_writer *writer = ap_safetensors_writer_create();
        ap_safetensors_writer_add(writer, "encoder.layers.0.conv.bias", (ap_tensor){AP_SHAPE(4), numbers});
        ap_safetensors_writer_add(writer, cases[k].name, (ap_tensor){AP_SHAPE(n[0], n[1], n[2]), numbers});
        const char *path = folder_path(state, "weights.safetensors");
        assert_string_equal(ap_safetensors_writer_save(writer, path).message, "");
        check_refused(path, params, cases[k].reason);
        ap_safetensors_writer_free(writer);
    }
    ap_codec_free(codec);
    ap_params_free(params);
}

/* What shapes do not tell is read from the config.json beside the weights, as transformers writes it. */
static void a_stereo_model_is_described_by_its_configuration(void **state)
{
    static const char text[] =
        "{\"audio_channels\": 2, \"sampling_rate\": 48000, \"use_causal_conv\": false, \"norm_type\": "
        "\"time_group_norm\", \"normalize\": true, \"chunk_length_s\": 1.0, \"overlap\": 0.25, "
        "\"pad_mode\": \"reflect\", \"trim_right_ratio\": 1.0, \"compress\": 2}";
    ap_params *params;
    ap_codec *codec = create(&STEREO, 1, &params);
    char *path = ap_copy_text(folder_path(state, "weights.safetensors"));
    write_weights(path, params, "", false, false);
    assert_int_equal(ap_replace_file(folder_path(state, "config.json"), text, strlen(text)).code, AP_OK);
    ap_config config = ap_config_default();
    assert_string_equal(ap_codec_weights_describe(path, &config).message, "");
    assert_int_equal(config.codec.width, STEREO.width);
    assert_int_equal(config.codec.dim, STEREO.dim);
    assert_int_equal(config.codec.lstm, STEREO.lstm);
    assert_int_equal(config.codec.ratios.count, STEREO.ratio_count);
    assert_int_equal(config.codec.channels, 2);
    assert_int_equal(config.codec.sample_rate, 48000);
    assert_int_equal(config.codec.norm, AP_CODEC_TIME_GROUP_NORM);
    assert_true(!config.codec.causal && config.codec.normalize);
    assert_true(config.codec.segment == 1 && config.codec.overlap == 0.25);
    assert_string_equal(ap_codec_weights_load(&config, params).message, "");
    ap_config other = config;
    other.codec.segment = 2;
    if (!strstr(ap_codec_weights_load(&other, params).message, "codec.segment = 1; the configuration has 2"))
        fail_msg("another segment is not refused");
    free(path);
    ap_codec_free(codec);
    ap_params_free(params);
}

/* Without a configuration, the shapes of EnCodec's model of 48 kHz are taken for it. */
static void shapes_tell_the_model_of_48_khz(void **state)
{
    ap_codec_config published = STEREO;
    published.dim = 128;
    published.width = 32;
    published.ratio_count = 4;
    memcpy(published.ratios, (int[]){8, 5, 4, 2}, 4 * sizeof(int));
    ap_params *params = ap_params_create();
    ap_codec *codec = ap_codec_create(params, &published);
    ap_rng rng = ap_rng_init(1);
    ap_params_build(params, &rng);
    const char *path = folder_path(state, "weights.safetensors");
    write_weights(path, params, "", false, true);
    ap_config config = ap_config_default();
    assert_string_equal(ap_codec_weights_describe(path, &config).message, "");
    assert_int_equal(config.codec.sample_rate, 48000);
    assert_true(config.codec.normalize && config.codec.segment == 1 && config.codec.overlap == 0.01);
    ap_codec_free(codec);
    ap_params_free(params);
}

/* A checkpoint of our own says itself what its codec is. */
static void a_checkpoint_says_what_its_codec_is(void **state)
{
    static const char own[] = "{\"codec\": {\"type\": \"seanet\", \"causal\": false}}";
    ap_params *params;
    ap_codec *codec = create(&SMALL, 1, &params);
    const char *path = folder_path(state, "weights.safetensors");
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_metadata(writer, "config", own);
    for (size_t i = 0; i < ap_params_count(params); i++)
        ap_safetensors_writer_add(writer, ap_params_at(params, i)->name, ap_params_at(params, i)->value);
    assert_string_equal(ap_safetensors_writer_save(writer, path).message, "");
    ap_safetensors_writer_free(writer);
    check_refused(path, params, "codec.causal = false; the configuration has true");
    ap_codec_free(codec);
    ap_params_free(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_published_names, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(what_is_missing_is_named, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_configuration_beside_the_weights_is_heard, folder_create,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(shapes_tell_the_model_of_32_khz, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(shapes_tell_the_model_of_48_khz, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_stereo_model_is_described_by_its_configuration, folder_create,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(a_checkpoint_says_what_its_codec_is, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(shapes_tell_what_does_not_fit, folder_create, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
