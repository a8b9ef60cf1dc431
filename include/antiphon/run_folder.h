/** @file run_folder.h
 * The folder of a run: what a training writes, and where.
 *
 *     RUN/config.json                           the resolved configuration
 *     RUN/log.jsonl                             one line per step and one per epoch
 *     RUN/checkpoints/{last,best}.safetensors   to resume from, and to compose with
 *     RUN/samples/                              audible samples
 *
 * A training program gets the names from ap_run_folder_init, asks ap_run_folder_choose where to start, locks
 * the folder with ap_run_folder_lock, and passes `checkpoints` to the trainer (trainer.h).
 */
#ifndef ANTIPHON_RUN_FOLDER_H
#define ANTIPHON_RUN_FOLDER_H

#include "antiphon/api.h"
#include "antiphon/config.h"
#include "antiphon/status.h"

AP_API_BEGIN

/** The prefix of sample names: samples/epoch_0010.wav. */
#define AP_RUN_SAMPLE "epoch_"

/** The paths of a run. All are owned; none needs to exist. */
typedef struct ap_run_folder {
    char *path, *checkpoints, *samples;
    char *last, *best; /**< checkpoints/last.safetensors, checkpoints/best.safetensors */
    int lock;          /**< the file descriptor that holds the lock, or -1 */
} ap_run_folder;

/** The paths of the run in the folder `path`. Touches no file. To be freed by ap_run_folder_free. */
ap_run_folder ap_run_folder_init(const char *path);

/** Releases the lock and frees the paths. */
void ap_run_folder_free(ap_run_folder *folder);

/** AP_MISUSE if the folder is the pair set `pairs` itself or lies inside it. */
ap_status ap_run_folder_check(const ap_run_folder *folder, const char *pairs);

/** Chooses the checkpoint to start from. `resume` is NULL for a new run, "auto" to resume what the folder
 * holds, or the path of a checkpoint. *from becomes NULL (start anew), `resume`, or a path of `folder`,
 * borrowed: "auto" chooses the last checkpoint, or the best if a run ended before it wrote a last. AP_MISUSE
 * if this would overwrite a run in the folder: by a new run, or by one that resumes a checkpoint from
 * elsewhere. */
ap_status ap_run_folder_choose(const ap_run_folder *folder, const char *resume, const char **from);

/** The checkpoint that `path` stands for; the caller frees it. For a run's folder: its best checkpoint, or
 * the last if there is no best yet; AP_FAILED if it has neither. Any other path stands for itself, whether
 * the file exists or not. NULL after a failure. */
ap_status ap_run_folder_checkpoint(const char *path, char **checkpoint);

/** Locks the folder for this process until the folder is freed, and removes temporary files that a killed run
 * left. Does nothing if there is no checkpoints folder yet, or if this process already has the lock.
 * AP_FAILED if another process has it. */
ap_status ap_run_folder_lock(ap_run_folder *folder);

/** Writes config.json, whole or not at all. */
ap_status ap_run_folder_write_config(const ap_run_folder *folder, const ap_config *config);

AP_API_END

#endif
