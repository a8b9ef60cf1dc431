#include "support/tracked.h"

#include "support/check.h"
#include "support/folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tracked_enter(void **state)
{
    unsetenv("MLFLOW_TRACKING_URI");
    setenv("MLFLOW_ALLOW_FILE_STORE", "true", 1);
    return folder_create(state);
}

ap_track *tracked_begin(void **state, const char *uri, int64_t resumed_step)
{
    ap_config config = ap_config_default();
    ap_track *track;
    snprintf(config.track.uri, sizeof config.track.uri, "%s", uri);
    ap_status status = ap_track_create(*state, &config, resumed_step, &track);
    if (strstr(status.message, "built without libcurl")) skip();
    assert_string_equal(status.message, "");
    return track;
}

void tracked_log(ap_track *track, int first, int last)
{
    const char *const names[] = {"train_loss", "learning_rate"};
    for (int step = first; step <= last; step++)
        ap_track_metrics(track, step, step / 10, 2, names,
                         (const double[]){1.0 / (step + 3), step == 2 ? NAN : 1e-4});
}

void tracked_finish(ap_track *track, ap_outcome outcome)
{
    ap_status status = ap_track_finish(track, outcome);
    assert_string_equal(status.message, "");
}
