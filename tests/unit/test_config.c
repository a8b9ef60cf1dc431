/* The configuration: defaults, JSON, overrides, and what is refused with which words. */
#include "antiphon/config.h"

#include "base/text.h"
#include "support/check.h"
#include "support/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

static ap_status parse(const char *text, ap_config *config)
{
    return ap_config_parse("run.json", text, strlen(text), config);
}

/* A text that is refused with exactly this message and leaves the configuration as it was. */
static void refused(const char *text, const char *message)
{
    ap_config config = ap_config_default(), before = config;
    ap_status status = parse(text, &config);
    assert_string_equal(status.message, message);
    assert_int_equal(status.code, AP_MISUSE);
    assert_memory_equal(&config, &before, sizeof config);
}

static void override_refused(const char *key, const char *value, const char *message)
{
    ap_config config = ap_config_default(), before = config;
    ap_status status = ap_config_override(&config, key, value);
    assert_string_equal(status.message, message);
    assert_int_equal(status.code, AP_MISUSE);
    assert_memory_equal(&config, &before, sizeof config);
}

static void defaults(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    assert_string_equal(config.data.path, "data/demo");
    assert_true(config.data.seconds == 16.0);
    assert_int_equal(config.codec.type, AP_CODEC_MDCT);
    assert_int_equal(config.codec.ratios.count, 4);
    assert_int_equal(config.codec.ratios.at[1], 5);
    assert_int_equal(config.agent.output, AP_OUTPUT_CASCADE);
    assert_true(config.agent.compositional && config.agent.gate_input);
    assert_int_equal(config.loss.corr_barrier, AP_BARRIER_EXTENDED);
    assert_int_equal(config.loss.corr_segments, AP_MODULATION_SEGMENTS);
    assert_true(config.train.lr == 1e-4 && config.train.eps == 1e-8);
    ap_status status = ap_config_check(&config);
    assert_string_equal(status.message, "");
}

static void choices_follow_their_enums(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    set(&config, "data.targets", "shuffled");
    set(&config, "codec.type", "seanet");
    set(&config, "agent.output", "gates");
    set(&config, "loss.corr_barrier", "seed");
    set(&config, "loss.corr_envelope", "p8");
    set(&config, "train.schedule", "cosine");
    assert_int_equal(config.data.targets, AP_TARGETS_SHUFFLED);
    assert_int_equal(config.codec.type, AP_CODEC_SEANET);
    assert_int_equal(config.agent.output, AP_OUTPUT_GATES);
    assert_int_equal(config.loss.corr_barrier, AP_BARRIER_ORIGINAL);
    assert_int_equal(config.loss.corr_envelope, AP_ENVELOPE_P8);
    assert_int_equal(config.train.schedule, AP_SCHEDULE_COSINE);
    set(&config, "agent.output", "direct");
    set(&config, "loss.corr_envelope", "rms");
    assert_int_equal(config.agent.output, AP_OUTPUT_DIRECT);
    assert_int_equal(config.loss.corr_envelope, AP_ENVELOPE_RMS);
}

static void a_file_replaces_what_it_gives(void **state)
{
    (void)state;
    char path[] = "/tmp/antiphon_config_XXXXXX";
    FILE *stream = fdopen(mkstemp(path), "w");
    fputs("\xEF\xBB\xBF{\"$schema\": \"x\",\n \"train\": {\"lr\": 3e-4, \"epochs\": 7.0},\n"
          " \"codec\": {\"ratios\": [4, 2], \"train\": true}, \"data\": {\"path\": \"a\\u00e9\\\"b\"}}\n",
          stream);
    fclose(stream);
    ap_config config = ap_config_default();
    set(&config, "train.batch_size", "5");
    ap_status status = ap_config_load(path, &config);
    assert_string_equal(status.message, "");
    assert_true(config.train.lr == 3e-4);
    assert_int_equal(config.train.epochs, 7);
    assert_int_equal(config.train.batch_size, 5);
    assert_int_equal(config.codec.ratios.count, 2);
    assert_int_equal(config.codec.ratios.at[0], 4);
    assert_true(config.codec.train);
    assert_string_equal(config.data.path, "a\xC3\xA9\"b");
    unlink(path);
    status = ap_config_load(path, &config);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, path));
}

static void unknown_names_suggest_the_nearest(void **state)
{
    (void)state;
    refused("{\"data\": {\"secnds\": 3}}", "run.json: data.secnds: no such key; did you mean data.seconds?");
    refused("{\"trian\": {\"lr\": 3}}", "run.json: trian: no such section; did you mean train?");
    refused("{\"xyzzy\": {}}", "run.json: xyzzy: no such section");
    refused("{\"data\": {\"lr\": 3}}", "run.json: data.lr: no such key; did you mean train.lr?");
    refused("{\"data\": {\"Seconds\": 3}}",
            "run.json: data.Seconds: no such key; did you mean data.seconds?");
    refused("{\"data\": {\"xyzzy\": 3}}", "run.json: data.xyzzy: no such key");
    refused("{\"data\": {\"\": 3}}", "run.json: data.: no such key");
    refused("{\"train.lr\": 3}", "run.json: train.lr: no such section");
    override_refused("data.secnds", "3", "data.secnds: no such key; did you mean data.seconds?");
    override_refused("seconds", "3", "seconds: no such key; did you mean data.seconds?");
    override_refused("btach_size", "3", "btach_size: no such key; did you mean batch_size?");
    override_refused("corr-weight", "3", "corr-weight: no such key; did you mean corr_weight?");
    override_refused("", "3", ": no such key");
    override_refused("data", "3", "data: no such key");
}

static void syntax_errors_have_a_place(void **state)
{
    (void)state;
    refused("", "run.json:1:1: not valid JSON at the end of the text");
    refused("{\n  \"data\": {\n    \"seconds\": }\n}", "run.json:3:16: not valid JSON near '}'");
    refused("{\"train\": {\"lr\": NaN}}", "run.json:1:18: not valid JSON near 'NaN}}'");
    refused("{\"train\": {\"lr\": Infinity}}", "run.json:1:18: not valid JSON near 'Infinity}}'");
    refused("{\"data\": {}}\n{}", "run.json:2:1: not valid JSON near '{}'");
    refused("{\"data\": {}} // note", "run.json:1:14: not valid JSON near '// note'");
    ap_config config = ap_config_default();
    ap_status status = ap_config_parse("run.json", "{}\n\0 ", 5, &config);
    assert_string_equal(status.message, "run.json:2:1: a NUL byte at the end of the text");
    refused("{\"data\": {\"path\": \"a\\u0000b\"}}", "run.json:1:21: a NUL byte near '\\u0000b\"}}'");
    refused("{\"data\": {\"path\\u0000\": \"a\"}}", "run.json:1:16: a NUL byte near '\\u0000\": \"a\"}}'");
    /* whatever ends too soon is refused, wherever it is cut */
    const char whole[] = "{\"data\": {\"path\": \"a\\n\", \"seconds\": 1e1, \"unity_test\": true}, "
                         "\"codec\": {\"ratios\": [8, 5]}}";
    for (size_t cut = 0; cut < sizeof whole - 1; cut++) {
        char part[sizeof whole];
        memcpy(part, whole, cut);
        part[cut] = '\0';
        status = parse(part, &config);
        assert_int_equal(status.code, AP_MISUSE);
        assert_non_null(strstr(status.message, "run.json:1:"));
    }
    assert_int_equal(parse(whole, &config).code, AP_OK);
}

static void depth_bombs_are_refused(void **state)
{
    (void)state;
    enum { DEPTH = 200000 };
    char *text = malloc(DEPTH + 1);
    assert_non_null(text);
    for (int kind = 0; kind < 2; kind++) {
        for (int i = 0; i < DEPTH; i++) text[i] = kind == 0 ? '[' : "{\"a\":"[i % 5];
        text[DEPTH] = '\0';
        ap_config config = ap_config_default();
        assert_int_equal(parse(text, &config).code, AP_MISUSE);
    }
    free(text);
    refused("{\"data\": {\"seconds\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}",
            "run.json: data.seconds = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]...: must "
            "be a number");
}

static void structure_is_checked(void **state)
{
    (void)state;
    refused("[]", "run.json: must be an object of sections, {\"section\": {\"key\": value}}");
    refused("3", "run.json: must be an object of sections, {\"section\": {\"key\": value}}");
    refused("{\"data\": 3}", "run.json: data: must be a section, {\"key\": value, ...}");
    refused("{\"data\": null}", "run.json: data: must be a section, {\"key\": value, ...}");
    refused("{\"data\": {\"seconds\": 3, \"seconds\": 4}}", "run.json: data.seconds: given twice");
    refused("{\"data\": {\"seconds\": 3}, \"data\": {}}", "run.json: data: given twice");
}

static void types_are_checked(void **state)
{
    (void)state;
    refused("{\"data\": {\"unity_test\": 1}}", "run.json: data.unity_test = 1: must be true or false");
    refused("{\"data\": {\"seconds\": \"16\"}}", "run.json: data.seconds = \"16\": must be a number");
    refused("{\"data\": {\"seconds\": null}}", "run.json: data.seconds = null: must be a number");
    refused("{\"data\": {\"path\": 3}}", "run.json: data.path = 3: must be a text in quotes");
    refused("{\"train\": {\"epochs\": 3.5}}", "run.json: train.epochs = 3.5: must be a whole number");
    refused("{\"train\": {\"epochs\": true}}", "run.json: train.epochs = true: must be a whole number");
    refused("{\"codec\": {\"type\": 0}}", "run.json: codec.type = 0: must be mdct, mclt or seanet");
    refused("{\"codec\": {\"type\": \"mdtc\"}}",
            "run.json: codec.type = \"mdtc\": must be mdct, mclt or seanet; did you mean mdct?");
    refused("{\"agent\": {\"output\": \"\"}}",
            "run.json: agent.output = \"\": must be cascade, direct, gates or takes");
    refused("{\"codec\": {\"ratios\": 8}}", "run.json: codec.ratios = 8: must be a list of whole numbers");
    refused("{\"codec\": {\"ratios\": [8, \"5\"]}}",
            "run.json: codec.ratios = [8,\"5\"]: must be a list of whole numbers");
    refused("{\"codec\": {\"ratios\": [2.5]}}",
            "run.json: codec.ratios = [2.5]: must be 1 to 8 integers, each 1 to 64");
    refused("{\"data\": {\"path\": \"a\xFFz\"}}", "run.json: data.path must be UTF-8");
}

static void ranges_are_checked(void **state)
{
    (void)state;
    refused("{\"data\": {\"seconds\": 0}}", "run.json: data.seconds = 0: must be above 0 and at most 3600");
    refused("{\"data\": {\"seconds\": 1e999}}",
            "run.json: data.seconds is too large for a number: must be above 0 and at most 3600");
    refused("{\"agent\": {\"dropout\": 1}}", "run.json: agent.dropout = 1: must be at least 0 and below 1");
    refused("{\"train\": {\"batch_size\": 0}}", "run.json: train.batch_size = 0: must be 1 to 65536");
    refused("{\"train\": {\"seed\": 2147483648}}",
            "run.json: train.seed = 2147483648: must be 0 to 2147483647");
    refused("{\"train\": {\"seed\": -1}}", "run.json: train.seed = -1: must be 0 to 2147483647");
    refused("{\"train\": {\"seed\": 1e300}}", "run.json: train.seed = 1e+300: must be 0 to 2147483647");
    refused("{\"codec\": {\"ratios\": []}}",
            "run.json: codec.ratios = []: must be 1 to 8 integers, each 1 to 64");
    refused("{\"codec\": {\"ratios\": [1,1,1,1,1,1,1,1,1]}}",
            "run.json: codec.ratios = [1,1,1,1,1,1,1,1,1]: must be 1 to 8 integers, each 1 to 64");
    refused("{\"codec\": {\"ratios\": [8, 0]}}",
            "run.json: codec.ratios = [8,0]: must be 1 to 8 integers, each 1 to 64");
    ap_config config = ap_config_default();
    set(&config, "data.seconds", "3600");
    set(&config, "agent.dropout", "0");
    set(&config, "train.seed", "2147483647");
    assert_int_equal(config.train.seed, 2147483647);
    char text[AP_CONFIG_TEXT + 1];
    memset(text, 'x', AP_CONFIG_TEXT);
    text[AP_CONFIG_TEXT] = '\0';
    ap_status status = ap_config_override(&config, "data.path", text);
    assert_int_equal(status.code, AP_MISUSE);
    assert_non_null(strstr(status.message, "x...: must be at most 1023 bytes"));
    text[AP_CONFIG_TEXT - 1] = '\0';
    set(&config, "data.path", text);
    assert_string_equal(config.data.path, text);
}

static void overrides(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    set(&config, "train.lr", "2.5e-3");
    set(&config, "train.epochs", "3");
    set(&config, "data.path", "true");
    set(&config, "codec.weights", "[1");
    set(&config, "codec.ratios", "4,3,2");
    assert_true(config.train.lr == 2.5e-3);
    assert_int_equal(config.train.epochs, 3);
    assert_string_equal(config.data.path, "true");
    assert_string_equal(config.codec.weights, "[1");
    assert_int_equal(config.codec.ratios.count, 3);
    assert_int_equal(config.codec.ratios.at[2], 2);
    set(&config, "codec.ratios", "[5]");
    assert_int_equal(config.codec.ratios.count, 1);
    set(&config, "codec.weights", "");
    assert_string_equal(config.codec.weights, "");
    const char *const yes[] = {"true", "True", "1", "yes", "on"}, *const no[] = {"false", "FALSE", "0", "no",
                                                                                 "off"};
    for (int i = 0; i < 5; i++) {
        set(&config, "data.unity_test", yes[i]);
        assert_true(config.data.unity_test);
        set(&config, "data.unity_test", no[i]);
        assert_false(config.data.unity_test);
    }
    set(&config, "data.unity_test", NULL);
    assert_true(config.data.unity_test);
    assert_true(ap_config_is_bool("data.unity_test"));
    assert_false(ap_config_is_bool("train.lr"));
    assert_false(ap_config_is_bool("nothing"));
    override_refused("train.lr", NULL, "train.lr: needs a value, at least 0 and at most 10");
    override_refused("train.lr", "fast", "train.lr = \"fast\": must be a number");
    override_refused("train.lr", "", "train.lr = \"\": must be a number");
    override_refused("train.lr", "1e-3x", "train.lr = \"1e-3x\": must be a number");
    override_refused("train.lr", "nan", "train.lr = \"nan\": must be a number");
    override_refused("train.epochs", "0x10", "train.epochs = \"0x10\": must be a whole number");
    override_refused("train.epochs", "3.5", "train.epochs = 3.5: must be a whole number");
    override_refused("data.unity_test", "maybe", "data.unity_test = \"maybe\": must be true or false");
    override_refused("codec.ratios", "", "codec.ratios = []: must be 1 to 8 integers, each 1 to 64");
    override_refused("codec.ratios", "8;5", "codec.ratios = \"8;5\": must be a list of whole numbers");
}

static void short_names(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    const struct {
        const char *name;
        const double *value;
    } numbers[] = {
        {"corr_weight", &config.loss.corr_weight},       {"mask_reg_weight", &config.loss.novelty},
        {"loss_weight_input", &config.loss.rms_input},   {"loss_weight_target", &config.loss.rms_target},
        {"loss_weight_spectral", &config.loss.spectral}, {"lr", &config.train.lr}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_true(ap_config_known(numbers[i].name));
        set(&config, numbers[i].name, "0.625");
        assert_true(*numbers[i].value == 0.625);
    }
    set(&config, "batch_size", "12");
    set(&config, "epochs", "13");
    set(&config, "use_compositional_agent", "false");
    assert_int_equal(config.train.batch_size, 12);
    assert_int_equal(config.train.epochs, 13);
    assert_false(config.agent.compositional);
    set(&config, "use_compositional_agent", NULL);
    assert_true(config.agent.compositional);
    assert_false(ap_config_known("num_epochs"));
    override_refused("lr", "x", "lr = \"x\": must be a number");
    refused("{\"train\": {}, \"lr\": 3}", "run.json: lr: no such section");
}

/* Every key moved away from its default, printed, read back: nothing is lost. */
static void round_trip(void **state)
{
    (void)state;
    ap_config config = ap_config_default(), back = config;
    for (size_t i = 0; i < ap_config_count(); i++) {
        char text[AP_CONFIG_TEXT];
        ap_config_value(&config, i, text);
        const char *const attempts[] = {"false",
                                        "true",
                                        "\"\\ \xC3\xBC\n",
                                        "3",
                                        "0.1234567890123456789",
                                        "[2,3]",
                                        "shuffled",
                                        "seanet",
                                        "gates",
                                        "seed",
                                        "random",
                                        "p8",
                                        "cosine",
                                        "bands",
                                        "weights",
                                        "48000",
                                        "2",
                                        "bfloat16",
                                        "time_group_norm",
                                        "fast"};
        bool moved = false;
        for (size_t k = 0; k < sizeof attempts / sizeof *attempts && !moved; k++) {
            ap_status status = ap_config_override(&config, ap_config_name(i), attempts[k]);
            char now[AP_CONFIG_TEXT];
            ap_config_value(&config, i, now);
            moved = !ap_failed(&status) && strcmp(now, text) != 0;
        }
        if (!moved) fail_msg("%s was not moved from %s", ap_config_name(i), text);
    }
    config.train.lr = 0.1 + 0.2; /* needs all 17 digits */
    char *json = ap_config_to_json(&config);
    ap_status status = parse(json, &back);
    assert_string_equal(status.message, "");
    assert_true(back.train.lr == config.train.lr);
    char *again = ap_config_to_json(&back);
    assert_string_equal(json, again);
    for (size_t i = 0; i < ap_config_count(); i++) {
        char a[AP_CONFIG_TEXT], b[AP_CONFIG_TEXT];
        ap_config_value(&config, i, a);
        ap_config_value(&back, i, b);
        assert_string_equal(a, b);
        status = ap_config_override(&back, ap_config_name(i), a);
        assert_string_equal(status.message, "");
    }
    free(json);
    free(again);
}

/* One key changed from the default, and the message that the check then gives ("": none). */
static void check_after(const char *message, const char *const *changes)
{
    ap_config config = ap_config_default();
    for (; *changes; changes += 2) set(&config, changes[0], changes[1]);
    ap_status status = ap_config_check(&config);
    assert_string_equal(status.message, message);
    assert_int_equal(status.code, *message ? AP_MISUSE : AP_OK);
}
#define CHECK_AFTER(message, ...) check_after(message, (const char *const[]){__VA_ARGS__, NULL})

static void values_must_fit_together(void **state)
{
    (void)state;
    CHECK_AFTER("agent.attention_heads = 7 does not divide agent.model = 512", "agent.attention_heads", "7");
    CHECK_AFTER("", "agent.attention_heads", "7", "agent.compositional", "false");
    CHECK_AFTER("agent.model = 9 is odd", "agent.model", "9", "agent.attention_heads", "3");
    CHECK_AFTER("loss.corr_segments = 250 is more than the 240 samples of data.seconds = 0.01",
                "data.seconds", "0.01", "codec.hop", "128");
    CHECK_AFTER("data.seconds = 0.04: loss.spectral needs more than 1024 samples", "data.seconds", "0.04");
    CHECK_AFTER("", "data.seconds", "0.04", "loss.spectral", "0");
    CHECK_AFTER("data.seconds = 0.05: loss.chroma needs more than 2048 samples", "data.seconds", "0.05",
                "loss.chroma", "1");
    CHECK_AFTER("data.seconds = 0.001: 24 samples are less than one frame of the codec", "data.seconds",
                "0.001");
    CHECK_AFTER("data.seconds = 0.05: 1200 samples are less than one frame of the codec", "data.seconds",
                "0.05", "codec.type", "seanet", "codec.ratios", "64,64,64,64,64,64,64,64");
    CHECK_AFTER("agent.gate_bands = 16 does not divide codec.dim = 100", "agent.output", "gates", "codec.dim",
                "100");
    CHECK_AFTER("codec.dim = 321 is more than codec.hop = 320: a frame has no more coefficients", "codec.dim",
                "321");
    CHECK_AFTER("", "codec.dim", "400", "codec.type", "seanet");
    CHECK_AFTER("", "codec.type", "seanet", "codec.causal", "false", "codec.norm", "time_group_norm");
    CHECK_AFTER("codec.norm = time_group_norm hears all of the audio: codec.causal must be false",
                "codec.type", "seanet", "codec.norm", "time_group_norm");
    CHECK_AFTER("codec.segment = 0.01: 240 samples are less than one frame of the codec", "codec.type",
                "seanet", "codec.segment", "0.01");
#define HEARD                                                                                                \
    "an agent and training hear one channel at 24000 Hz, as a whole; only antiphon codec works with such a " \
    "codec"
    CHECK_AFTER("codec.channels = 2: " HEARD, "codec.type", "seanet", "codec.channels", "2");
    CHECK_AFTER("codec.sample_rate = 48000: " HEARD, "codec.type", "seanet", "codec.sample_rate", "48000");
    CHECK_AFTER("codec.segment = 1: " HEARD, "codec.type", "seanet", "codec.segment", "1");
    CHECK_AFTER("codec.normalize: " HEARD, "codec.type", "seanet", "codec.normalize", "true");
#undef HEARD
    CHECK_AFTER("", "codec.dim", "640", "codec.type", "mclt");
    CHECK_AFTER("codec.dim = 642 is more than twice codec.hop = 320: a frame has no more coefficients",
                "codec.dim", "642", "codec.type", "mclt");
    CHECK_AFTER("codec.bands = 0: of codec.dim = 63 and codec.hop = 320 they leave an odd number of "
                "coefficients, and "
                "mclt has two for each bin",
                "codec.dim", "63", "codec.type", "mclt");
    CHECK_AFTER("", "codec.bands", "124");
    CHECK_AFTER(
        "codec.bands = 125: of codec.dim = 128 and codec.hop = 320 they leave fewer than 4 bins to fold the "
        "bands from",
        "codec.bands", "125");
    CHECK_AFTER(
        "codec.bands = 16: of codec.dim = 330 and codec.hop = 320 they have more bands than there are bins "
        "above the coefficients",
        "codec.dim", "330", "codec.bands", "16");
    CHECK_AFTER("codec.train: the mdct codec has no weights", "codec.train", "true");
    CHECK_AFTER("codec.weights: the mdct codec has no weights", "codec.weights", "x.safetensors");
    CHECK_AFTER("cascade.attention_heads = 16 does not divide 3 codec.dim = 360", "cascade.heads", "16",
                "codec.dim", "120");
    CHECK_AFTER("cascade.attention_heads = 7 does not divide 2 codec.dim = 256", "cascade.attention_heads",
                "7");
    CHECK_AFTER("codec.dim = 63 is odd: the cascade needs an even one", "codec.dim", "63");
    CHECK_AFTER("", "codec.dim", "63", "agent.output", "direct");
    CHECK_AFTER("train.min_lr = 1 is more than train.lr = 0.0001", "train.schedule", "cosine", "train.min_lr",
                "1");
    CHECK_AFTER("data.path is empty", "data.path", "");
    CHECK_AFTER("track.uri contains a password, which would be stored in checkpoints: use "
                "MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD instead",
                "track.uri", "https://me:secret@host/mlflow");
    CHECK_AFTER("", "track.uri", "https://host/a@b");
    CHECK_AFTER("", "track.uri", "runs@home");
    CHECK_AFTER("track.experiment is empty", "track.experiment", "");
    CHECK_AFTER("loss: every weight is 0: there is nothing to train for", "loss.rms_input", "0",
                "loss.rms_target", "0", "loss.spectral", "0", "loss.novelty", "0");
    CHECK_AFTER("", "loss.mixture", "1", "loss.rms_input", "0", "loss.rms_target", "0", "loss.spectral", "0",
                "loss.novelty", "0");
}

/* The other forms of the table name every key, and the schema is JSON that agrees with the defaults. */
static void documentation(void **state)
{
    (void)state;
    char *help = ap_config_help(), *markdown = ap_config_markdown(), *schema = ap_config_schema();
    cJSON *root = cJSON_Parse(schema);
    assert_non_null(root);
    const cJSON *sections = cJSON_GetObjectItem(root, "properties");
    for (size_t i = 0; i < ap_config_count(); i++) {
        char *name = strdup(ap_config_name(i)), *dot = strchr(name, '.'), option[64], cell[64];
        snprintf(option, sizeof option, "  --%s=", name);
        snprintf(cell, sizeof cell, "| `%s` |", name);
        if (!strstr(help, option)) fail_msg("%s is not in the help", name);
        if (!strstr(markdown, cell)) fail_msg("%s is not in the table", name);
        *dot = '\0';
        const cJSON *keys = cJSON_GetObjectItem(cJSON_GetObjectItem(sections, name), "properties");
        if (!cJSON_GetObjectItem(cJSON_GetObjectItem(keys, dot + 1), "default"))
            fail_msg("%s.%s is not in the schema", name, dot + 1);
        free(name);
    }
    const cJSON *ratios = cJSON_GetObjectItem(
        cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(sections, "codec"), "properties"),
                            "ratios"),
        "items");
    assert_int_equal(cJSON_GetObjectItem(ratios, "maximum")->valueint, 64);
    cJSON_Delete(root);
    free(help);
    free(markdown);
    free(schema);
}

static void utf8(void **state)
{
    (void)state;
    const char *const good[] = {
        "", "plain", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};
    const char *const bad[] = {
        "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xC2",     "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xE2\x82", "\xF5\x80\x80\x80",
        "\xC3z"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(ap_text_is_utf8(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(ap_text_is_utf8(bad[i]));
}

static void plurals(void **state)
{
    (void)state;
    assert_string_equal(ap_plural(1), "");
    assert_string_equal(ap_plural(0), "s");
    assert_string_equal(ap_plural(2), "s");
}

/* Files of earlier versions hold keys that are gone or are called otherwise. */
static void test_former_keys_are_read(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    ap_status status =
        parse("{\"data\": {\"input_noise\": 0, \"same_piece\": 0.0}, \"agent\": {\"heads\": 4},"
              " \"cascade\": {\"heads\": 2}, \"loss\": {\"corr_barrier\": \"seed\"}}",
              &config);
    assert_string_equal(status.message, "");
    assert_int_equal(config.agent.attention_heads, 4);
    assert_int_equal(config.cascade.attention_heads, 2);
    assert_int_equal(config.loss.corr_barrier, AP_BARRIER_ORIGINAL);
    status = parse("{\"data\": {\"same_piece\": 0.5}}", &config);
    assert_int_equal(status.code, AP_MISUSE);
    assert_string_equal(status.message,
                        "run.json: data.same_piece: this key was removed; only 0 is still accepted");
    status = ap_config_override(&config, "data.same_piece", "0");
    assert_int_equal(status.code, AP_MISUSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(choices_follow_their_enums),
        cmocka_unit_test(a_file_replaces_what_it_gives),
        cmocka_unit_test(unknown_names_suggest_the_nearest),
        cmocka_unit_test(syntax_errors_have_a_place),
        cmocka_unit_test(depth_bombs_are_refused),
        cmocka_unit_test(structure_is_checked),
        cmocka_unit_test(types_are_checked),
        cmocka_unit_test(ranges_are_checked),
        cmocka_unit_test(overrides),
        cmocka_unit_test(short_names),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(values_must_fit_together),
        cmocka_unit_test(documentation),
        cmocka_unit_test(utf8),
        cmocka_unit_test(plurals),
        cmocka_unit_test(test_former_keys_are_read),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
