#include "report/report.h"

#include <math.h>

double ap_report_place(const run_record *run, double step)
{
    return run->history.steps_per_epoch > 0 ? step / run->history.steps_per_epoch : step;
}

const char *ap_report_place_name(const run_record *run)
{
    return run->history.steps_per_epoch > 0 ? "epoch" : "step";
}

double ap_report_setting(const run_record *run, const char *section, const char *key)
{
    const cJSON *item =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(run->config, section), key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

void ap_report_missing(page *p, const ap_status *status)
{
    ap_page_put(p, "<p class=\"missing\">");
    ap_page_text(p, status->message);
    ap_page_put(p, "</p>\n");
}
