/* Tracks a made-up run, for mlflow_test.sh.
 * usage: track_driver RUN_FOLDER URI RESUMED_STEP LAST_STEP MICROSECONDS_A_STEP [KEY VALUE] */
#include "antiphon/track.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failed(const ap_status *status)
{
    if (ap_failed(status)) fprintf(stderr, "track_driver: %s\n", status->message);
    return ap_failed(status);
}

int main(int count, char **words)
{
    if (count != 6 && count != 8) return 2;
    const char *folder = words[1];
    long resumed = atol(words[3]), last = atol(words[4]);
    ap_config config = ap_config_default();
    ap_status status = ap_config_override(&config, "track.uri", words[2]);
    if (failed(&status)) return 1;
    ap_config_override(&config, "track.experiment", "d\xC3\xA4mpfer: 'x' & \"y\"");
    ap_config_override(&config, "data.path", "a folder/with \xC3\xBC");
    if (count == 8) {
        status = ap_config_override(&config, words[6], words[7]);
        if (failed(&status)) return 1;
    }
    ap_track *track;
    status = ap_track_create(folder, &config, resumed, &track);
    if (failed(&status)) return 1;
    const char *const names[] = {"train_loss", "learning_rate", "val_loss"};
    for (long step = resumed + 1; step <= last; step++) {
        /* numbers that need all their digits, one that is none, and one that is there only now and then */
        double values[] = {1.0 / (double)(step + 3), step == 7 ? NAN : 1e-9 * sqrt((double)step),
                           1e300 * sin((double)step)};
        ap_track_metrics(track, step, (int)(step / 10), step % 10 == 0 ? 3 : 2, names, values);
        usleep((useconds_t)atol(words[5]));
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/a sample.wav", folder);
    ap_track_artifact(track, path);
    status = ap_track_finish(track, AP_OUTCOME_FINISHED);
    return failed(&status);
}
