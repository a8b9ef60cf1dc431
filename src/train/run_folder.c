#include "antiphon/run_folder.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

ap_run_folder ap_run_folder_init(const char *path)
{
    int length = (int)strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--; /* shells complete the name of a folder with a slash */
    return (ap_run_folder){.path = ap_format_text("%.*s", length, path),
                           .checkpoints = ap_format_text("%.*s/checkpoints", length, path),
                           .samples = ap_format_text("%.*s/samples", length, path),
                           .last = ap_format_text("%.*s/checkpoints/last.safetensors", length, path),
                           .best = ap_format_text("%.*s/checkpoints/best.safetensors", length, path),
                           .lock = -1};
}

void ap_run_folder_free(ap_run_folder *folder)
{
    if (folder->lock >= 0) close(folder->lock);
    free(folder->path);
    free(folder->checkpoints);
    free(folder->samples);
    free(folder->last);
    free(folder->best);
    *folder = (ap_run_folder){.lock = -1};
}

ap_status ap_run_folder_write_config(const ap_run_folder *folder, const ap_config *config)
{
    char *path = ap_format_text("%s/config.json", folder->path), *text = ap_config_to_json(config);
    ap_status status = ap_replace_file(path, text, strlen(text));
    free(path);
    free(text);
    return status;
}

ap_status ap_run_folder_check(const ap_run_folder *folder, const char *pairs)
{
    static const char *const splits[] = {"train", "val"};
    if (ap_folder_holds(pairs, folder->path) && ap_folder_holds(folder->path, pairs))
        return ap_error(AP_MISUSE, "%s: is the folder of the pair set (data.path): choose another with --out",
                        folder->path);
    bool inside = false;
    for (size_t k = 0; k < sizeof splits / sizeof *splits && !inside; k++) {
        char *split = ap_format_text("%s/%s", pairs, splits[k]);
        inside = ap_folder_holds(split, folder->path);
        free(split);
    }
    if (inside)
        return ap_error(AP_MISUSE,
                        "%s: is among the pairs of %s (data.path): choose another folder with --out",
                        folder->path, pairs);
    return ap_ok();
}

/* Which of the two checkpoints there are. */
static ap_status look(const ap_run_folder *folder, bool *last, bool *best)
{
    AP_TRY(ap_file_is_there(folder->last, last));
    return ap_file_is_there(folder->best, best);
}

/* A run that resumes a checkpoint from elsewhere must not overwrite the run in the folder. */
static ap_status check_other_run(const ap_run_folder *folder, const char *from)
{
    bool last, best;
    AP_TRY(look(folder, &last, &best));
    if ((!last && !best) || ap_folder_holds(folder->checkpoints, from)) return ap_ok();
    return ap_error(
        AP_MISUSE,
        "%s already holds a run, which resuming %s would overwrite: choose another folder with --out",
        folder->path, from);
}

ap_status ap_run_folder_choose(const ap_run_folder *folder, const char *resume, const char **from)
{
    bool last, best;
    *from = NULL;
    if (resume && strcmp(resume, "auto") != 0) {
        *from = resume;
        return check_other_run(folder, resume);
    }
    AP_TRY(look(folder, &last, &best));
    if (!last && !best) return ap_ok();
    if (!resume)
        return ap_error(
            AP_MISUSE, "%s already holds a run: --resume auto continues it, choose another folder with --out",
            folder->path);
    *from = last ? folder->last : folder->best;
    return ap_ok();
}

ap_status ap_run_folder_checkpoint(const char *path, char **checkpoint)
{
    *checkpoint = NULL;
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISDIR(about.st_mode)) {
        *checkpoint = ap_copy_text(path);
        return ap_ok();
    }
    ap_run_folder folder = ap_run_folder_init(path);
    bool last, best;
    ap_status status = look(&folder, &last, &best);
    if (!ap_failed(&status) && (best || last)) *checkpoint = ap_copy_text(best ? folder.best : folder.last);
    ap_run_folder_free(&folder);
    if (*checkpoint || ap_failed(&status)) return status;
    return ap_error(AP_FAILED,
                    "%s: is a folder without a checkpoint: it has neither checkpoints/best.safetensors nor "
                    "checkpoints/last.safetensors",
                    path);
}

/* Removes temporary files that a killed run has left, only those of training: other programs may be writing
 * the rest. */
static void sweep(const ap_run_folder *folder)
{
    static const char *const files[] = {"config.json", "log.jsonl", "mlflow"};
    ap_replace_sweep(folder->last);
    ap_replace_sweep(folder->best);
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) ap_replace_sweep_all(folder->path, files[k]);
    ap_replace_sweep_all(folder->samples, AP_RUN_SAMPLE);
}

ap_status ap_run_folder_lock(ap_run_folder *folder)
{
    if (folder->lock >= 0) return ap_ok();
    int lock = open(folder->checkpoints, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0) return ap_ok(); /* there is nothing to lock yet */
    if (flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(lock);
        return ap_error(AP_FAILED, "%s: another training is running in this folder", folder->path);
    }
    folder->lock = lock;
    sweep(folder);
    return ap_ok();
}
