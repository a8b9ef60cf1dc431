/* A codec's weights are found under all the names that they are published by. */
#include "assembly/codec_weights.h"

#include "antiphon/codec.h"
#include "antiphon/safetensors.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <stdlib.h>
#include <string.h>

static const ap_codec_config SMALL = {
    .type = AP_CODEC_SEANET, .dim = 4, .width = 4, .ratio_count = 2, .ratios = {3, 2}, .lstm = 1};

static ap_codec *create(uint64_t seed, ap_params **params)
{
    *params = ap_params_create();
    ap_codec *codec = ap_codec_create(*params, &SMALL);
    ap_rng rng = ap_rng_init(seed);
    ap_params_build(*params, &rng);
    return codec;
}

/* `name` with `from`, which it ends in, replaced. */
static char *renamed(const char *name, const char *from, const char *to)
{
    size_t length = strlen(name), tail = strlen(from);
    if (length < tail || strcmp(name + length - tail, from) != 0) return ap_copy_text(name);
    return ap_format_text("%.*s%s", (int)(length - tail), name, to);
}

/* As the package encodec names it, whose convolutions stand in two wrappers; SMALL's transposed ones are
 * layers 3 and 6 of the decoder. */
static char *original_name(const char *name)
{
    bool transposed = strstr(name, "decoder.layers.3.") || strstr(name, "decoder.layers.6.");
    const char *layers = strstr(name, ".layers."), *conv = strstr(name, ".conv.");
    assert_non_null(layers);
    int head = (int)(layers - name);
    const char *inside = layers + strlen(".layers.");
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
static void check_described(const char *path)
{
    ap_config config = ap_config_default();
    assert_string_equal(ap_codec_weights_describe(path, &config).message, "");
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
    ap_params *params, *into;
    ap_codec *codec = create(1, &params), *other = create(2, &into);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = folder_path(state, "weights.safetensors");
        write_weights(path, params, cases[k].prefix, cases[k].newer, cases[k].original);
        for (size_t i = 0; i < ap_params_count(into); i++) {
            ap_tensor value = ap_params_at(into, i)->value;
            memset(value.data, 0, (size_t)ap_shape_count(value.shape) * sizeof *value.data);
        }
        assert_string_equal(ap_codec_weights_load(path, into).message, "");
        check_described(path);
        for (size_t i = 0; i < ap_params_count(into); i++) {
            ap_tensor got = ap_params_at(into, i)->value, want = ap_params_at(params, i)->value;
            for (int64_t n = 0; n < ap_shape_count(got.shape); n++) /* files hold float */
                assert_true(got.data[n] == (ap_real)(float)want.data[n]);
        }
    }
    ap_codec_free(codec);
    ap_codec_free(other);
    ap_params_free(params);
    ap_params_free(into);
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
    ap_codec *codec = create(1, &params);
    ap_status status = ap_codec_weights_load(path, params);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, path));
    assert_non_null(strstr(status.message, "audio_encoder.encoder.layers.0.conv."));
    status = ap_codec_weights_load(folder_path(state, "none.safetensors"), params);
    assert_non_null(strstr(status.message, "none.safetensors"));
    ap_codec_free(codec);
    ap_params_free(params);
}

static void check_refused(const char *path, const ap_params *params, const char *reason)
{
    ap_status status = ap_codec_weights_load(path, params);
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
        {"{\"use_causal_conv\": false}", "use_causal_conv: false"},
        {"{\"audio_encoder\": {\"use_causal_conv\": false, \"sampling_rate\": 32000}}",
         "use_causal_conv: false"},
        {"{\"use_causal_conv\": true, \"norm_type\": \"time_group_norm\"}", "norm_type: \"time_group_norm\""},
        {"{\"use_causal_conv\": true, \"pad_mode\": \"constant\"}", "pad_mode: \"constant\""},
        {"{\"use_causal_conv\": true, \"sampling_rate\": 32000}", "sampling_rate: 32000"},
        {"{\"data\": {\"path\": \"x\"}}", NULL},
        {"no JSON", NULL},
    };
    ap_params *params;
    ap_codec *codec = create(1, &params);
    char *path = ap_copy_text(folder_path(state, "weights.safetensors"));
    write_weights(path, params, "", false, false);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *text = cases[k].config;
        assert_int_equal(ap_replace_file(folder_path(state, "config.json"), text, strlen(text)).code, AP_OK);
        if (cases[k].reason)
            check_refused(path, params, cases[k].reason);
        else
            assert_string_equal(ap_codec_weights_load(path, params).message, "");
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
                                              .lstm = 1};
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

static void group_norm_and_plain_shortcuts_are_of_other_models(void **state)
{
    static const struct {
        const char *name, *reason;
        int64_t shape[3];
    } cases[] = {
        {"encoder.layers.0.norm.weight", "group norm", {1, 1, 2}},
        {"encoder.layers.0.conv.weight_v", "two channels", {4, 2, 7}},
        {"encoder.layers.1.block.1.conv.bias", "no convolutions as shortcuts", {1, 1, 2}},
    };
    ap_params *params;
    ap_codec *codec = create(1, &params);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ap_real numbers[56] = {1};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_published_names, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(what_is_missing_is_named, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_configuration_beside_the_weights_is_heard, folder_create,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(shapes_tell_the_model_of_32_khz, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(group_norm_and_plain_shortcuts_are_of_other_models, folder_create,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
