/* A codec's weights are found under all the names that they are published by. */
#include "assembly/codec_weights.h"

#include "antiphon/codec.h"
#include "antiphon/safetensors.h"
#include "base/memory.h"
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
static void write_weights(const char *path, const ap_params *params, const char *prefix, bool newer)
{
    ap_real codebook[2] = {1, 2};
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_add(writer, "quantizer.layers.0.codebook.embed",
                              (ap_tensor){AP_SHAPE(2), codebook});
    ap_safetensors_writer_add(writer, "text_encoder.layers.0.conv.bias", (ap_tensor){AP_SHAPE(2), codebook});
    for (size_t i = 0; i < ap_params_count(params); i++) {
        char *name = name_in_file(prefix, newer, ap_params_at(params, i)->name);
        ap_safetensors_writer_add(writer, name, ap_params_at(params, i)->value);
        free(name);
    }
    assert_string_equal(ap_safetensors_writer_save(writer, path).message, "");
    ap_safetensors_writer_free(writer);
}

static void all_published_names(void **state)
{
    static const struct {
        const char *prefix;
        bool newer;
    } cases[] = {{"", false}, {"", true}, {"audio_encoder.", false}, {"model.codec.", true}};
    ap_params *params, *into;
    ap_codec *codec = create(1, &params), *other = create(2, &into);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = folder_path(state, "weights.safetensors");
        write_weights(path, params, cases[k].prefix, cases[k].newer);
        for (size_t i = 0; i < ap_params_count(into); i++) {
            ap_tensor value = ap_params_at(into, i)->value;
            memset(value.data, 0, (size_t)ap_shape_count(value.shape) * sizeof *value.data);
        }
        assert_string_equal(ap_codec_weights_load(path, into).message, "");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_published_names, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(what_is_missing_is_named, folder_create, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
