/** @file run_folder.h
 * A run's folder: what a training writes, and where.
 *
 *     RUN/config.json                           the configuration as resolved
 *     RUN/log.jsonl                             one line a step and one an epoch
 *     RUN/checkpoints/{last,best}.safetensors   to go on from, and to compose with
 *     RUN/samples/                              audible samples
 *
 * A training program makes the names with ap_run_folder_init, asks ap_run_folder_choose where to start, takes
 * the folder with ap_run_folder_lock, and gives the trainer (trainer.h) `checkpoints`.
 */
#ifndef ANTIPHON_RUN_FOLDER_H
#define ANTIPHON_RUN_FOLDER_H

#include "antiphon/api.h"
#include "antiphon/config.h"
#include "antiphon/status.h"

AP_API_BEGIN

/** How the names of samples begin: samples/epoch_0010.wav. */
#define AP_RUN_SAMPLE "epoch_"

/** The paths of a run. All are owned; none need exist. */
typedef struct ap_run_folder {
    char *path, *checkpoints, *samples;
    char *last, *best; /**< checkpoints/last.safetensors, checkpoints/best.safetensors */
    int lock;          /**< the descriptor that holds the lock, or -1 */
} ap_run_folder;

/** The paths of the run in the folder `path`. Touches nothing. To be freed by ap_run_folder_free. */
ap_run_folder ap_run_folder_init(const char *path);

/** Gives back the lock and frees the paths. */
void ap_run_folder_free(ap_run_folder *folder);

/** Fails (AP_MISUSE) if the folder is that of the pair set `pairs`, or lies among its pairs. */
ap_status ap_run_folder_check(const ap_run_folder *folder, const char *pairs);

/** Which checkpoint to start from. `resume` is NULL for a new run, "auto" to go on with what the folder
 * holds, or the path of a checkpoint. *from: NULL to begin anew, `resume`, or one of the folder's own,
 * borrowed. With "auto" that is the last, or the best where a run ended before it wrote a last. AP_MISUSE if
 * the folder holds a run that would be overwritten: by a new run, or by one from a checkpoint elsewhere. */
ap_status ap_run_folder_choose(const ap_run_folder *folder, const char *resume, const char **from);

/** The checkpoint that `path` stands for, which the caller frees. Of a run's folder: its best, or the last
 * where there is no best yet; AP_FAILED if it has neither. Any other path stands for itself, whether there is
 * a file or not. NULL after a failure. */
ap_status ap_run_folder_checkpoint(const char *path, char **checkpoint);

/** Takes the folder for this process, until the folder is freed, and removes the temporary files of a run
 * that was killed. Nothing happens while there are no checkpoints to share, or if it is taken already.
 * AP_FAILED if another process has it. */
ap_status ap_run_folder_lock(ap_run_folder *folder);

/** Writes config.json, whole or not at all. */
ap_status ap_run_folder_write_config(const ap_run_folder *folder, const ap_config *config);

AP_API_END

#endif
