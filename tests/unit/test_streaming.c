/* A set that is read as it is needed gives the very numbers of one in memory: the windows, and what training
 * makes of them, also where it is interrupted. What goes wrong with its files while it trains is one line,
 * and nothing is lost. */
#include "antiphon/audio.h"
#include "antiphon/checkpoint.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/settings.h"
#include "support/training.h"
#include "train/feed.h"
#include "train/order.h"

#include <fcntl.h>
#include <signal.h>
#include <sndfile.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOTHING "1e-6" /* GiB: no set fits */

static char *pairs, *held_run, *read_run, *last;

/* Noise of `seconds` in any format. */
static void write_sound(const char *path, int rate, int channels, int format, double seconds)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    ap_rng rng = ap_rng_init((uint64_t)strlen(path) + (uint64_t)path[strlen(path) - 5]);
    for (int64_t i = 0; i < (int64_t)(seconds * rate); i++) {
        const double frame[2] = {0.2 * ap_rng_normal(&rng), 0.2 * ap_rng_normal(&rng)};
        assert_int_equal(sf_writef_double(file, frame, 1), 1);
    }
    sf_close(file);
}

/* Pair 1 is of float samples, 2 as antiphon prepare writes it, 3 at 44.1 kHz in stereo, against FLAC. */
static int set_up(void **state)
{
    if (folder_create(state) != 0) return -1;
    pairs = ap_copy_text(folder_path(state, "pairs"));
    held_run = ap_copy_text(folder_path(state, "held"));
    read_run = ap_copy_text(folder_path(state, "read"));
    last = ap_format_text("%s/last.safetensors", read_run);
    training_write_pair(pairs, "train", 1, 0.45, 0.1, 0.2);
    training_write_pair(pairs, "val", 4, 0.2, 0.1, 0.1);
    const struct {
        const char *name;
        int rate, channels, format;
    } files[] = {{"pairs/train/pair_0002_input.wav", 24000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                 {"pairs/train/pair_0002_target.wav", 24000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                 {"pairs/train/pair_0003_input.wav", 44100, 2, SF_FORMAT_WAV | SF_FORMAT_PCM_24},
                 {"pairs/train/pair_0003_target.wav", 48000, 1, SF_FORMAT_FLAC | SF_FORMAT_PCM_16}};
    for (size_t k = 0; k < sizeof files / sizeof *files; k++)
        write_sound(folder_path(state, files[k].name), files[k].rate, files[k].channels, files[k].format,
                    0.35 + 0.02 * (double)k);
    return 0;
}

static int tear_down(void **state)
{
    free(pairs);
    free(held_run);
    free(read_run);
    free(last);
    return folder_remove(state);
}

static ap_config config_of(const char *memory)
{
    ap_config config = training_config(pairs);
    const char *const settings[][2] = {
        {"data.memory", memory},   {"train.threads", "1"}, /* the model is too small to share */
        {"train.epochs", "2"},     {"train.batch_size", "2"},
        {"train.accumulate", "2"}, {"train.steps_per_epoch", "5"}};
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

/* ---------------------------------------------------------------- windows */

static ap_dataset open_in_files(void **state, const char *split, int64_t S)
{
    ap_dataset set;
    const char *copies = folder_path(state, "copies");
    assert_string_equal(ap_make_folder(copies).message, "");
    assert_string_equal(ap_dataset_open(pairs, split, S, &set).message, "");
    assert_string_equal(ap_dataset_copy(&set, copies).message, "");
    assert_false(set.held);
    return set;
}

static void windows_are_those_of_a_set_in_memory(void **state)
{
    enum { S = 2400 };
    static const char *const splits[] = {"train", "val"};
    for (int k = 0; k < 2; k++) {
        ap_dataset held, read = open_in_files(state, splits[k], S);
        assert_string_equal(ap_dataset_load(pairs, splits[k], S, &held).message, "");
        assert_true(held.held && held.windows == read.windows && held.count == read.count);
        ap_rng rng = ap_rng_init(3);
        for (int i = 0; i < 300; i++) {
            ap_real a[S], b[S];
            ap_place place = {.piece = ap_rng_below(&rng, held.count)};
            int64_t most = held.pieces[place.piece].length - S;
            place.at = i % 3 == 0 ? 0 : i % 3 == 1 ? most : ap_rng_below(&rng, most + 1);
            ap_pair_side side = i % 2;
            assert_string_equal(ap_dataset_read(&held, place, side, a).message, "");
            assert_string_equal(ap_dataset_read(&read, place, side, b).message, "");
            assert_memory_equal(a, b, sizeof a);
        }
        uint64_t of_held, of_read;
        assert_string_equal(ap_dataset_fingerprint(&held, &of_held).message, "");
        assert_string_equal(ap_dataset_fingerprint(&read, &of_read).message, "");
        assert_true(of_held == of_read && of_held != 0);
        ap_dataset_free(&held);
        ap_dataset_free(&read);
    }
}

static struct stat about(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) fail_msg("no %s", path);
    return info;
}

/* A copy is made once, and again when its recording changes, even to one of the same size. */
static void copies_are_made_once(void **state)
{
    char *copy = ap_copy_text(folder_path(state, "copies/pair_0003_input.wav"));
    ap_dataset set = open_in_files(state, "train", 2400);
    struct stat first = about(copy);
    ap_dataset_free(&set);
    set = open_in_files(state, "train", 2400);
    assert_true(about(copy).st_ino == first.st_ino &&
                access(folder_path(state, "copies/pair_0002_input.wav"), F_OK) != 0);
    ap_dataset_free(&set);
    write_sound(folder_path(state, "pairs/train/pair_0003_input.wav"), 44100, 2,
                SF_FORMAT_WAV | SF_FORMAT_PCM_24, 0.39);
    set = open_in_files(state, "train", 2400);
    assert_true(about(copy).st_ino != first.st_ino);
    ap_dataset_free(&set);
    free(copy);
}

/* ---------------------------------------------------------------- trainings */

/* The same bits; but a checkpoint, from which the interrupted one goes on, holds single precision. */
#define ROUNDING (sizeof(ap_real) == sizeof(float) ? 0 : 1e-4)

static void check_same_model(const char *a, const char *b)
{
    const char *const folders[2] = {a, b};
    ap_config config;
    ap_model *models[2];
    for (int k = 0; k < 2; k++) {
        char *path = ap_format_text("%s/last.safetensors", folders[k]);
        assert_string_equal(ap_checkpoint_load(path, &config, &models[k]).message, "");
        free(path);
    }
    const ap_params *params[2] = {ap_model_params(models[0]), ap_model_params(models[1])};
    for (size_t i = 0; i < ap_params_count(params[0]); i++) {
        const ap_param *x = ap_params_at(params[0], i), *y = ap_params_at(params[1], i);
        for (int64_t k = 0; k < ap_shape_count(x->value.shape); k++)
            assert_true(fabs((double)x->value.data[k] - (double)y->value.data[k]) <= ROUNDING);
    }
    for (int k = 0; k < 2; k++) ap_model_free(models[k]);
}

/* Trains with the set in memory, and from files, interrupted after `stop` steps. */
static void check_training(size_t count, const char *const settings[][2], int stop)
{
    for (int read = 0; read < 2; read++) {
        ap_config config = config_of(read ? NOTHING : "1");
        set_all(&config, count, settings);
        training_record r = training_run(&config, read ? read_run : held_run, NULL, read ? stop : 0);
        assert_int_equal(strstr(r.notes, "read as it is needed") != NULL, read);
        assert_int_equal(r.status.code, read ? AP_INTERRUPTED : AP_OK);
        if (!read) continue;
        r = training_run(&config, read_run, last, 0);
        assert_string_equal(r.status.message, "");
        assert_null(strstr(r.notes, "starts again"));
        assert_int_equal(r.steps, 10 - stop);
    }
    check_same_model(held_run, read_run);
}

static void trainings_are_the_same(void **state)
{
    (void)state;
    const char *const grid[][2] = {{"data.augment_level_db", "6"}, {"data.targets", "shuffled"}};
    const char *const anywhere[][2] = {{"data.crop", "random"}, {"data.augment_level_db", "6"}};
    const char *const network[][2] = {
        {"codec.type", "seanet"}, {"codec.width", "4"}, {"codec.ratios", "8,5"}, {"codec.lstm", "1"}};
    check_training(2, grid, 3);
    check_training(2, anywhere, 7);
    check_training(4, network, 5);
}

/* Random crops begin between the windows of the grid, and another seed begins elsewhere. */
static void crops_depend_on_the_seed(void **state)
{
    (void)state;
    double losses[3];
    const char *const seeds[] = {"1", "1", "2"};
    for (int k = 0; k < 3; k++) {
        ap_config config = config_of(NOTHING);
        set(&config, "data.crop", "random");
        set(&config, "train.seed", seeds[k]);
        set(&config, "agent.output", "direct");
        training_record r = training_run(&config, read_run, NULL, 0);
        assert_string_equal(r.status.message, "");
        losses[k] = r.loss[1];
    }
    assert_true(losses[0] == losses[1] && losses[0] != losses[2]);
}

/* ---------------------------------------------------------------- the cache of latents */

static char *cache_path(void **state)
{
    ap_names names;
    assert_string_equal(ap_folder_list(folder_path(state, "pairs/cache"), &names).message, "");
    char *found = NULL;
    for (size_t i = 0; i < names.count; i++) {
        if (strncmp(names.at[i], "latents-train", 13) != 0) continue;
        assert_null(found);
        found = ap_format_text("%s/cache/%s", pairs, names.at[i]);
    }
    assert_non_null(found);
    ap_names_free(&names);
    return found;
}

enum { WINDOWS = 6, NUMBERS = 100 };

static void fill(const char *path, const ap_latent_key *key, int64_t expected, int64_t until, ap_real of)
{
    ap_latent_cache *cache;
    int64_t there;
    assert_string_equal(ap_latent_cache_open(path, key, NULL, &cache, &there).message, "");
    assert_int_equal(there, expected);
    for (; there < until; there++) {
        ap_real z[2 * NUMBERS];
        for (int i = 0; i < 2 * NUMBERS; i++) z[i] = of * (ap_real)(1000 * there + i);
        assert_string_equal(ap_latent_cache_append(cache, z).message, "");
    }
    if (until == WINDOWS) {
        assert_string_equal(ap_latent_cache_seal(cache).message, "");
        for (int64_t w = 0; w < WINDOWS; w++)
            for (int side = 0; side < 2; side++) {
                ap_real z[NUMBERS];
                assert_string_equal(ap_latent_cache_read(cache, w, side, z).message, "");
                for (int i = 0; i < NUMBERS; i++)
                    assert_true(z[i] == of * (ap_real)(1000 * w + side * NUMBERS + i));
            }
    }
    ap_latent_cache_free(cache);
}

static void a_cache_goes_on_and_is_replaced_when_stale(void **state)
{
    char *path = ap_copy_text(folder_path(state, "latents"));
    ap_latent_key key = {.weights = 1, .set = 2, .windows = WINDOWS, .numbers = NUMBERS}, other = key;
    fill(path, &key, 0, 2, 1);
    fill(path, &key, 2, 5, 1);
    fill(path, &key, 5, WINDOWS, 1);
    fill(path, &key, WINDOWS, WINDOWS, 1);
    /* one that is mapped stays as it is while another process replaces the file */
    ap_latent_cache *mapped;
    int64_t there;
    ap_real z[NUMBERS];
    assert_string_equal(ap_latent_cache_open(path, &key, NULL, &mapped, &there).message, "");
    assert_string_equal(ap_latent_cache_seal(mapped).message, "");
    other.weights++;
    fill(path, &other, 0, WINDOWS, 2);
    assert_string_equal(ap_latent_cache_read(mapped, 1, 0, z).message, "");
    assert_true(z[3] == 1003);
    ap_latent_cache_free(mapped);
    other.set++;
    fill(path, &other, 0, WINDOWS, 3);
    /* a file that was cut is filled anew, and while it is in use it is a failure, not a crash */
    assert_string_equal(ap_latent_cache_open(path, &other, NULL, &mapped, &there).message, "");
    assert_string_equal(ap_latent_cache_seal(mapped).message, "");
    assert_int_equal(truncate(path, 5000), 0);
    assert_non_null(strstr(ap_latent_cache_read(mapped, 1, 0, z).message, "latents: it has become shorter"));
    ap_latent_cache_free(mapped);
    fill(path, &other, 0, WINDOWS, 4);
    free(path);
}

/* A second process waits for the first, and finds its windows; one that is killed leaves a beginning. */
static void processes_share_a_cache(void **state)
{
    char *path = ap_copy_text(folder_path(state, "latents"));
    const ap_latent_key key = {.weights = 1, .set = 2, .windows = 1000, .numbers = NUMBERS};
    ap_latent_cache *cache;
    int64_t there;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        ap_real z[2 * NUMBERS] = {7};
        ap_status status = ap_latent_cache_open(path, &key, NULL, &cache, &there);
        for (int i = 0; i < 300 && !ap_failed(&status); i++) status = ap_latent_cache_append(cache, z);
        _exit(write(ready[1], "x", 1) == 1 && pause() == 0);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    const volatile sig_atomic_t stop = 1; /* it is locked: the wait ends by the request */
    assert_int_equal(ap_latent_cache_open(path, &key, &stop, &cache, &there).code, AP_INTERRUPTED);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_string_equal(ap_latent_cache_open(path, &key, NULL, &cache, &there).message, "");
    assert_in_range(there, 256, 300);
    ap_latent_cache_free(cache);
    close(ready[0]);
    close(ready[1]);
    free(path);
}

/* The second training finds the latents of the first; a recording that has changed makes it compute them
 * again. */
static void latents_are_computed_once(void **state)
{
    ap_config config = config_of(NOTHING);
    const char *const network[][2] = {
        {"codec.type", "seanet"}, {"codec.width", "4"}, {"codec.ratios", "8,5"}, {"codec.lstm", "1"}};
    set_all(&config, 4, network);
    struct stat before = {0};
    for (int k = 0; k < 3; k++) {
        const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000}};
        if (k == 2)
            assert_int_equal(
                utimensat(AT_FDCWD, folder_path(state, "pairs/train/pair_0001_input.wav"), times, 0), 0);
        training_record r = training_run(&config, read_run, NULL, 1);
        assert_int_equal(r.status.code, AP_INTERRUPTED);
        char *path = cache_path(state);
        struct stat now = about(path);
        if (k > 0)
            assert_int_equal(now.st_ino == before.st_ino && now.st_mtim.tv_nsec == before.st_mtim.tv_nsec,
                             k == 1);
        before = now;
        free(path);
    }
}

static int count_caches(void **state)
{
    ap_names names;
    int count = 0;
    assert_string_equal(ap_folder_list(folder_path(state, "pairs/cache"), &names).message, "");
    for (size_t i = 0; i < names.count; i++) count += strncmp(names.at[i], "latents-train", 13) == 0;
    ap_names_free(&names);
    return count;
}

/* Codecs of the same shape, and of the same weights, whose latents differ. */
static void latents_of_another_codec_are_others(void **state)
{
    const char *const keys[][2] = {{"codec.causal", "true"},
                                   {"codec.causal", "false"},
                                   {"codec.type", "mclt"},
                                   {"codec.gain", "2"},
                                   {"codec.bands", "4"}};
    ap_config config = config_of(NOTHING);
    const char *const network[][2] = {
        {"codec.type", "seanet"}, {"codec.width", "4"}, {"codec.ratios", "8,5"}, {"codec.lstm", "0"}};
    set_all(&config, 4, network);
    for (int k = 0; k < 5; k++) {
        set(&config, keys[k][0], keys[k][1]);
        training_record r = training_run(&config, read_run, NULL, 1);
        if (r.status.code != AP_INTERRUPTED) fail_msg("%s", r.status.message);
        assert_int_equal(count_caches(state), k + 1);
    }
}

/* ---------------------------------------------------------------- what goes wrong */

typedef struct vandal {
    const char *path; /* of the file that it removes, or cuts */
    bool cuts;
} vandal;

static void do_damage(void *context, const ap_step_report *report)
{
    const vandal *v = context;
    if (report->step != 2) return;
    if (v->cuts)
        assert_int_equal(truncate(v->path, 3000), 0);
    else
        assert_int_equal(unlink(v->path), 0);
}

/* The failure is one line with the file, and all steps before are saved. */
static void a_file_that_goes_ends_training(void **state)
{
    for (int cuts = 0; cuts < 2; cuts++) {
        training_write_pair(pairs, "train", 1, 0.45, 0.1, 0.2);
        vandal v = {folder_path(state, "pairs/train/pair_0001_target.wav"), cuts};
        ap_config config = config_of(NOTHING);
        set(&config, "train.steps_per_epoch", "40");
        ap_observer observer = {.context = &v, .step = do_damage};
        ap_trainer *trainer;
        assert_string_equal(ap_trainer_create(&config, &observer, &trainer).message, "");
        ap_status status = ap_trainer_run(trainer, read_run, NULL);
        int64_t step = ap_trainer_step(trainer);
        ap_trainer_free(trainer);
        assert_int_equal(status.code, AP_FAILED);
        const char *reason =
            cuts ? "pair_0001_target.wav: it has changed since training began; saved at step "
                 : "pair_0001_target.wav: cannot be opened: No such file or directory; saved at step ";
        if (!strstr(status.message, reason)) fail_msg("%s", status.message);
        assert_in_range(step, 2, 10);
        training_write_pair(pairs, "train", 1, 0.45, 0.1, 0.2);
        set(&config, "train.steps_per_epoch", "5");
        training_record rest = training_run(&config, read_run, last, 0);
        assert_string_equal(rest.status.message, "");
    }
}

/* ---------------------------------------------------------------- the feed */

/* Whatever is asked for comes, also where nobody would expect it, and no batch of before in its place. */
static void a_feed_gives_what_is_asked_for(void **state)
{
    ap_dataset set = open_in_files(state, "train", 2400);
    ap_config config = config_of(NOTHING);
    ap_feed *feed = ap_feed_create(&config, &set);
    ap_batch own = ap_batch_init(&set, 2);
    ap_rng rng = ap_rng_init(1);
    ap_span span = {0, 0, 2};
    for (int i = 0; i < 200; i++) {
        const ap_batch *batch;
        ap_choice choices[2];
        double waited = -1;
        if (i % 5 == 4)
            span = (ap_span){ap_rng_below(&rng, 2), ap_rng_below(&rng, 18), 1 + ap_rng_below(&rng, 2)};
        assert_string_equal(ap_feed_take(feed, span, NULL, &batch, &waited).message, "");
        assert_true(waited >= -1 && batch->B == span.count);
        ap_feed_draw(feed, span, choices);
        assert_string_equal(ap_batch_fill(&own, &set, span.count, choices).message, "");
        assert_memory_equal(batch->input.data, own.input.data, (size_t)span.count * 2400 * sizeof(ap_real));
        assert_memory_equal(batch->target.data, own.target.data, (size_t)span.count * 2400 * sizeof(ap_real));
        span = (ap_span){span.epoch, (span.at + span.count) % 18, 2};
    }
    ap_batch_free(&own);
    ap_feed_free(feed);
    ap_dataset_free(&set);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(windows_are_those_of_a_set_in_memory),
        IN_FOLDER(copies_are_made_once),
        IN_FOLDER(trainings_are_the_same),
        IN_FOLDER(crops_depend_on_the_seed),
        IN_FOLDER(a_cache_goes_on_and_is_replaced_when_stale),
        IN_FOLDER(processes_share_a_cache),
        IN_FOLDER(latents_are_computed_once),
        IN_FOLDER(latents_of_another_codec_are_others),
        IN_FOLDER(a_file_that_goes_ends_training),
        IN_FOLDER(a_feed_gives_what_is_asked_for),
    };
    return cmocka_run_group_tests_name("streaming", tests, NULL, NULL);
}
