/* Reads a study's folder: arms.txt, the evaluations of the runs, the baselines. */
#include "evaluate/study.h"

#include "antiphon/stop.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARMS_NAME "arms.txt"
#define ARMS_MOST ((size_t)1 << 20)
#define BASELINES_NAME "baselines.json"
#define EVALUATION_NAME "evaluation.json"

/* ---------------------------------------------------------------- one evaluation */

/* values [items, AP_METRIC_COUNT] of a system. */
static ap_status read_sheet(const char *path, const cJSON *system, int64_t items, ap_sheet *sheet)
{
    const cJSON *lists = cJSON_GetObjectItemCaseSensitive(system, "values");
    sheet->values = ap_allocate((size_t)(items * AP_METRIC_COUNT), sizeof *sheet->values);
    for (ap_metric m = 0; m < AP_METRIC_COUNT; m++) {
        const char *name = ap_metric_describe(m).name;
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(lists, name), *value = NULL;
        if (cJSON_GetArraySize(list) != items) {
            free(sheet->values);
            sheet->values = NULL;
            return ap_error(AP_FAILED, "%s: has %d numbers of \"%s\", not %lld", path,
                            cJSON_GetArraySize(list), name, (long long)items);
        }
        double *to = sheet->values + (int)m;
        cJSON_ArrayForEach(value, list)
        {
            *to = cJSON_IsNumber(value) ? value->valuedouble : NAN;
            to += AP_METRIC_COUNT;
        }
    }
    return ap_ok();
}

/* Reads the run's own system, which is the first. Fails if it was measured over other items than the
 * baselines. */
static ap_status read_run(const char *path, const cJSON *baselines, ap_sheet *sheet)
{
    cJSON *json;
    AP_TRY(ap_stop_check());
    AP_TRY(ap_json_read(path, &json));
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(json, "items");
    const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(baselines, "items");
    const cJSON *system = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "systems"), 0);
    ap_status status;
    if (!cJSON_Compare(items, wanted, true))
        status = ap_error(AP_FAILED, "%s: was measured over other pieces than " BASELINES_NAME, path);
    else
        status = read_sheet(path, system, cJSON_GetArraySize(wanted), sheet);
    cJSON_Delete(json);
    return status;
}

/* ---------------------------------------------------------------- rows */

static ap_study_row *add_row(ap_study *study, const char *name, const char *settings)
{
    study->rows = ap_reallocate(study->rows, (size_t)study->row_count + 1, sizeof *study->rows);
    ap_study_row *row = &study->rows[study->row_count++];
    *row = (ap_study_row){.name = ap_copy_text(name), .settings = ap_copy_text(settings)};
    ap_text_mask_controls(row->name);
    ap_text_mask_controls(row->settings);
    return row;
}

/* Whether the name is that of a run of the arm: NAME-SEED. */
static bool is_run_of(const char *run, const char *arm)
{
    size_t length = strlen(arm);
    if (strncmp(run, arm, length) != 0 || run[length] != '-' || !run[length + 1]) return false;
    return strspn(run + length + 1, "0123456789") == strlen(run + length + 1);
}

static ap_status read_arm(ap_study *study, const char *folder, const ap_names *names, const char *arm,
                          const char *settings, const cJSON *baselines)
{
    ap_sheet *sheets = NULL;
    int seeds = 0;
    ap_status status = ap_ok();
    for (size_t k = 0; k < names->count && !ap_failed(&status); k++) {
        if (!is_run_of(names->at[k], arm)) continue;
        char *path = ap_format_text("%s/%s/" EVALUATION_NAME, folder, names->at[k]);
        bool there;
        status = ap_file_is_there(path, &there);
        if (there) {
            sheets = ap_reallocate(sheets, (size_t)seeds + 1, sizeof *sheets);
            status = read_run(path, baselines, &sheets[seeds]);
            seeds += !ap_failed(&status);
        }
        free(path);
    }
    if (seeds && !ap_failed(&status))
        ap_study_measure_row(add_row(study, arm, settings), study->items, seeds, sheets);
    for (int s = 0; s < seeds; s++) free(sheets[s].values);
    free(sheets);
    return status;
}

/* The text without surrounding white space, cut in place. */
static char *trimmed(char *text)
{
    static const char blank[] = " \t\r";
    text += strspn(text, blank);
    for (size_t end = strlen(text); end && strchr(blank, text[end - 1]); end--) text[end - 1] = '\0';
    return text;
}

static ap_status read_arms(ap_study *study, const char *folder, const cJSON *baselines)
{
    ap_names names;
    char *path = ap_format_text("%s/" ARMS_NAME, folder), *text = NULL, *place = NULL;
    size_t length;
    ap_status status = ap_file_read(path, ARMS_MOST, &text, &length);
    free(path);
    AP_TRY(status);
    status = ap_folder_list(folder, &names);
    for (char *line = strtok_r(text, "\n", &place); line && !ap_failed(&status);
         line = strtok_r(NULL, "\n", &place)) {
        char *settings = strchr(line, '=');
        if (settings) *settings++ = '\0';
        char *arm = trimmed(line);
        if (arm[0])
            status = read_arm(study, folder, &names, arm, settings ? trimmed(settings) : "", baselines);
    }
    free(text);
    ap_names_free(&names);
    if (!ap_failed(&status) && study->row_count == 0)
        status = ap_error(AP_FAILED, "%s: none of its runs has an " EVALUATION_NAME, folder);
    return status;
}

static ap_status read_unrelated(const char *path, const cJSON *json, ap_unrelated *to)
{
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(json, "unrelated");
    to->r_max_input = ap_json_get_number(from, ap_metric_describe(AP_METRIC_RMAX_INPUT).name);
    to->r_max_target = ap_json_get_number(from, ap_metric_describe(AP_METRIC_RMAX_TARGET).name);
    if (isnan(to->r_max_input) || isnan(to->r_max_target))
        return ap_error(AP_FAILED,
                        "%s: lacks \"unrelated\", the limits for unrelated music: measure it again", path);
    return ap_ok();
}

static ap_status read_baselines(ap_study *study, const char *path, const cJSON *json)
{
    const cJSON *systems = cJSON_GetObjectItemCaseSensitive(json, "systems"), *system = NULL;
    cJSON_ArrayForEach(system, systems)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(system, "name");
        ap_sheet sheet;
        if (system == systems->child) continue; /* the run that was measured with the baselines */
        AP_TRY(read_sheet(path, system, study->items, &sheet));
        ap_study_row *row = add_row(study, cJSON_IsString(name) ? name->valuestring : "?", "");
        row->baseline = true;
        ap_study_measure_row(row, study->items, 1, &sheet);
        free(sheet.values);
    }
    ap_unrelated unrelated;
    AP_TRY(read_unrelated(path, json, &unrelated));
    return ap_study_judge(study, path, unrelated);
}

static ap_status read_all(ap_study *study, const char *folder, const char *path, const cJSON *baselines)
{
    study->items = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(baselines, "items"));
    if (study->items < 1) return ap_error(AP_FAILED, "%s: holds no \"items\"", path);
    AP_TRY(read_arms(study, folder, baselines));
    return read_baselines(study, path, baselines);
}

/* ---------------------------------------------------------------- the study */

bool ap_study_is(const char *folder)
{
    char *path = ap_format_text("%s/" ARMS_NAME, folder);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

ap_status ap_study_read(const char *folder, ap_study *study)
{
    cJSON *baselines;
    *study = (ap_study){.rows = NULL};
    if (!ap_study_is(folder)) return ap_error(AP_FAILED, "%s: not a study: it has no " ARMS_NAME, folder);
    char *path = ap_format_text("%s/" BASELINES_NAME, folder);
    ap_status status = ap_json_read(path, &baselines);
    if (!ap_failed(&status)) status = read_all(study, folder, path, baselines);
    cJSON_Delete(baselines);
    free(path);
    if (ap_failed(&status)) ap_study_free(study);
    return status;
}

void ap_study_free(ap_study *study)
{
    for (int r = 0; r < study->row_count; r++) {
        free(study->rows[r].name);
        free(study->rows[r].settings);
    }
    free(study->rows);
    *study = (ap_study){.rows = NULL};
}
